import type { StepAction } from '../../../engine/plan/plan.js';
import { StepHandler } from '../../../engine/runtime/step-handler.js';

/** Does something around the tries of another handler, whose kind it has. */
export abstract class OuterStepHandler<A extends StepAction> extends StepHandler<A> {
  readonly kind: A['kind'];

  constructor(protected readonly inner: StepHandler<A>) {
    super();
    this.kind = inner.kind;
  }
}
