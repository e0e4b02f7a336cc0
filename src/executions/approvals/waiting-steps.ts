import type { ApprovalFacts } from '../../engine/plan/approval-facts.js';
import type { DeploymentFacts, RunStatus } from '../../engine/plan/run-state.js';
import type { StoredRun } from '../record/stored-state.js';
import type { WaitingStep } from '../record/suspension.js';

/** A try of a step that asks people, or asked them. */
export interface AskingStep extends WaitingStep {
  readonly asked: ApprovalFacts;
  /** Of the try. */
  readonly status: RunStatus;
  /** Nothing is decided. */
  readonly isWaiting: boolean;
}

/** Every try that asked people, in the order of the plan. Pure. */
export function askingSteps({ stages }: Pick<StoredRun, 'stages'>): AskingStep[] {
  return stages.flatMap((stage) =>
    stage.steps.flatMap((step) =>
      step.attempts.flatMap(({ number: attempt, approval: asked, status }) => {
        if (asked === undefined) return [];
        const isWaiting = step.status === 'waiting' && status === 'waiting';
        return [{ stage: stage.name, step: step.name, attempt, asked, status, isWaiting }];
      }),
    ),
  );
}

/** A try of a step that waits with its deployment. */
export interface DeployingStep extends WaitingStep {
  readonly deployment: DeploymentFacts;
}

/** Every try that waits until its environment lets it through, in the order of the plan. Pure. */
export function deployingSteps({ stages }: Pick<StoredRun, 'stages'>): DeployingStep[] {
  return stages.flatMap((stage) =>
    stage.steps.flatMap((step) => {
      const { number: attempt, deployment, status } = step.attempts.at(-1) ?? {};
      if (attempt === undefined || deployment === undefined) return [];
      if (step.status !== 'waiting' || status !== 'waiting') return [];
      return [{ stage: stage.name, step: step.name, attempt, deployment }];
    }),
  );
}
