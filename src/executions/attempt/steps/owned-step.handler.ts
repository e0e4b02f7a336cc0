import type { StepAction } from '../../../engine/plan/plan.js';
import {
  type StepAttempt,
  type StepHandler,
  type StepOutcome,
  type StepProgress,
} from '../../../engine/runtime/step-handler.js';
import { HandOverError } from '../../../workspaces/tree-owners.js';
import type { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import { OuterStepHandler } from './outer-step.handler.js';

/** Another handler, whose steps are the user of the steps and own the files of the workspace. */
export class OwnedStepHandler<A extends StepAction> extends OuterStepHandler<A> {
  constructor(
    inner: StepHandler<A>,
    private readonly ownership: WorkspaceOwnership,
  ) {
    super(inner);
  }

  async run(
    attempt: StepAttempt<A>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    try {
      return await this.ownership.asSteps(() => this.inner.run(attempt, signal, progress));
    } catch (error) {
      if (!(error instanceof HandOverError)) throw error;
      const reason = { code: 'workspace_unusable', message: error.message };
      return { kind: 'infrastructure', reason };
    }
  }
}
