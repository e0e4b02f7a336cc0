import type { ApprovalFacts } from '../../../engine/plan/approval-facts.js';
import type { AttemptState, DeploymentFacts, RunState } from '../../../engine/plan/run-state.js';
import type { StepAddress } from '../../../engine/runtime/step-handler.js';
import { isSameStep, type StepAnswer } from '../../record/suspension.js';

/** Port: what people have said to the steps of one run, before it began. */
export interface ApprovalDesk {
  /** Undefined: nothing is decided. */
  answerTo(address: StepAddress): StepAnswer | undefined;
  /** What an earlier run has asked of people for this very try; undefined: nobody was asked. */
  askedBefore(address: StepAddress): ApprovalFacts | undefined;
  /** What this very try has put before people in an earlier run, where it waits since then. */
  deploymentBefore(address: StepAddress): DeploymentFacts | undefined;
}

/** The answers that a run begins with. */
export class RunApprovals implements ApprovalDesk {
  constructor(
    private readonly answers: readonly StepAnswer[],
    private readonly before: Pick<RunState, 'stages'> | undefined,
  ) {}

  answerTo(address: StepAddress): StepAnswer | undefined {
    return this.answers.find((answer) => isSameStep(answer, address));
  }

  askedBefore(address: StepAddress): ApprovalFacts | undefined {
    return this.tryBefore(address)?.approval;
  }

  deploymentBefore(address: StepAddress): DeploymentFacts | undefined {
    const before = this.tryBefore(address);
    return before?.status === 'waiting' ? before.deployment : undefined;
  }

  private tryBefore({ stage, step, attempt }: StepAddress): AttemptState | undefined {
    const steps = this.before?.stages.find(({ name }) => name === stage)?.steps;
    const attempts = steps?.find(({ name }) => name === step)?.attempts;
    return attempts?.find(({ number }) => number === attempt);
  }
}
