import type { StepAction } from '../../../engine/plan/plan.js';
import {
  type StepAttempt,
  type StepOutcome,
  type StepProgress,
} from '../../../engine/runtime/step-handler.js';
import { kindOf } from '../../../engine/steps/step-kind-registry.js';
import { OuterStepHandler } from './outer-step.handler.js';

/**
 * Another handler, whose tries say when their own work begins. What is done around them begins
 * `restore` and `collect` only, so that it may be several things.
 */
export class CommandPhaseHandler<A extends StepAction> extends OuterStepHandler<A> {
  async run(
    attempt: StepAttempt<A>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    // A handler of commands alone tells no parts; and a step that is nothing else has none.
    if (kindOf(attempt.action).runsIn !== 'image' && hasParts(attempt)) progress.begin('command');
    return this.inner.run(attempt, signal, progress);
  }
}

function hasParts({ caches, artifacts, artifactsFrom, reports }: StepAttempt): boolean {
  return (caches ?? artifacts ?? artifactsFrom ?? reports) !== undefined;
}
