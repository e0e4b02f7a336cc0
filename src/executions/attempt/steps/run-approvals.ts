import type { ApprovalFacts } from '../../../engine/plan/approval-facts.js';
import type { RunState } from '../../../engine/plan/run-state.js';
import type { StepAddress } from '../../../engine/runtime/step-handler.js';
import { isSameStep, type StepAnswer } from '../../record/suspension.js';

/** Port: what people have said to the steps of one run, before it began. */
export interface ApprovalDesk {
  /** Undefined: nothing is decided. */
  answerTo(address: StepAddress): StepAnswer | undefined;
  /** What an earlier run has asked of people for this very try; undefined: nobody was asked. */
  askedBefore(address: StepAddress): ApprovalFacts | undefined;
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

  askedBefore({ stage, step, attempt }: StepAddress): ApprovalFacts | undefined {
    const steps = this.before?.stages.find(({ name }) => name === stage)?.steps;
    const attempts = steps?.find(({ name }) => name === step)?.attempts;
    return attempts?.find(({ number }) => number === attempt)?.approval;
  }
}
