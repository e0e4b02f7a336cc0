import { nameRecord } from '../../../common/values/name-record.js';
import type { ApprovalFacts } from '../../../engine/plan/approval-facts.js';
import type { Clock } from '../../../engine/runtime/run-ports.js';
import {
  type StepAttempt,
  StepHandler,
  type StepOutcome,
  type StepProgress,
} from '../../../engine/runtime/step-handler.js';
import {
  APPROVAL_KIND,
  type ApprovalAction,
} from '../../../engine/steps/approval/approval-action.js';
import { approvalReasons } from '../../approvals/approval-reasons.js';
import type { StepAnswer } from '../../record/suspension.js';
import type { ApprovalDesk } from './run-approvals.js';
import type { StepOutput } from './step-output.js';

/** Asks people: it tells what is asked and waits, or how it was decided. It holds nothing. */
export class ApprovalStepHandler extends StepHandler<ApprovalAction> {
  readonly kind = APPROVAL_KIND;

  constructor(
    private readonly desk: ApprovalDesk,
    private readonly output: Pick<StepOutput, 'systemLine'>,
    private readonly clock: Pick<Clock, 'now'>,
  ) {
    super();
  }

  run(
    { address, action }: StepAttempt<ApprovalAction>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    if (signal.aborted) return Promise.resolve({ kind: 'aborted' });
    const answer = this.desk.answerTo(address);
    if (answer !== undefined && answer.kind !== 'look') {
      this.output.systemLine(address, answer.reason.message);
      return Promise.resolve(outcomeOf({ ...answer, kind: answer.kind }));
    }
    let asked = this.desk.askedBefore(address);
    if (asked === undefined) {
      asked = factsOf(action, this.clock.now());
      progress.tell({ approval: asked });
      this.output.systemLine(address, `asks: ${action.message}`);
      this.output.systemLine(address, approvalReasons.needed(asked).message);
    }
    return Promise.resolve({ kind: 'suspended', reason: approvalReasons.needed(asked) });
  }
}

function factsOf(action: ApprovalAction, now: number): ApprovalFacts {
  const { message, roles, users, required, inputs, timeoutMs } = action;
  return {
    ...{ message, ...(roles && { roles }), ...(users && { users }), required },
    ...(inputs && { inputs }),
    asked: new Date(now).toISOString(),
    until: new Date(now + timeoutMs).toISOString(),
  };
}

type Answer = StepAnswer & { readonly kind: Exclude<StepAnswer['kind'], 'look'> };

/** A no stays one, whatever the step says of retries; a time that passed may be given again. */
function outcomeOf({ kind, reason, inputs }: Answer): StepOutcome {
  switch (kind) {
    case 'approved': {
      const outputs = inputs.map(({ name, value }) => [name, String(value)] as const);
      return { kind: 'success', outputs: nameRecord(outputs) };
    }
    case 'rejected':
      return { kind: 'failed', reason, isFinal: true };
    case 'timeout':
      return { kind: 'failed', reason };
  }
}
