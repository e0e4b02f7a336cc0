import { Injectable } from '@nestjs/common';
import { type Account, Accounts } from '../../auth/accounts/accounts.js';
import type { Principal } from '../../auth/principals/principal.js';
import {
  conflict,
  MillraceError,
  notFound,
  unprocessable,
  validationError,
} from '../../common/errors/millrace.error.js';
import type { NameRecord } from '../../common/values/name-record.js';
import { resolveInputs } from '../../engine/inputs/resolve-inputs.js';
import type { Reason } from '../../engine/plan/run-state.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import type { ApprovalKind } from '../../environments/approval.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { LiveExecutions } from '../record/live-executions.js';
import {
  isSameStep,
  isSameWord,
  type NamedInput,
  type StepApproval,
  textOfInputs,
} from '../record/suspension.js';
import { approvalReasons } from './approval-reasons.js';
import { ContinueExecution } from './continue-execution.js';
import { type JudgedStep, standingOf, type StepStanding, whyNoAnswer } from './decide-approval.js';
import { askingSteps, type AskingStep } from './waiting-steps.js';

/** What somebody says to a step that waits. */
export interface Word {
  /** Its name, or `stage/name`; absent: the only one that waits. */
  readonly step?: string | undefined;
  readonly reason?: string | undefined;
}

export interface ApprovingWord extends Word {
  /** In the place of all approvals that are missing. */
  readonly override: boolean;
  readonly inputs?: NameRecord<unknown> | undefined;
}

/** A try that asked people, and what they have said. */
export interface AskingView extends AskingStep {
  readonly standing: StepStanding;
}

/** What people say to steps that wait for them. */
@Injectable()
export class StepApprovals {
  constructor(
    private readonly executions: ExecutionsRepository,
    private readonly live: LiveExecutions,
    private readonly accounts: Accounts,
    private readonly continuing: ContinueExecution,
  ) {}

  /**
   * Approves a step, with others or alone.
   *
   * @throws NotFoundError, ConflictError: it does not wait for anybody; AuthorizationError: not by
   *   this account; UnprocessableError: its inputs; ValidationError: an override without a reason,
   *   or nobody can tell which step is meant
   */
  async approve(id: string, by: Principal, word: ApprovingWord): Promise<void> {
    const { override, reason, inputs = {} } = word;
    if (override && reason === undefined) {
      throw validationError('An override needs a reason, which is kept.', {
        details: [{ path: 'reason', code: 'isDefined', message: 'reason must be there' }],
      });
    }
    await this.say(id, by, override ? 'override' : 'approval', word, inputs);
  }

  /** Says no: the step fails. @throws as `approve` */
  async reject(id: string, by: Principal, word: Word): Promise<void> {
    await this.say(id, by, 'rejection', word, undefined);
  }

  /** All that asked people, and what that is worth now. */
  async viewOf(execution: ExecutionRecord): Promise<AskingView[]> {
    const asking = askingSteps(execution);
    if (asking.length === 0) return [];
    const { approvals = [] } = execution;
    const judged = await this.continuing.judged(execution, asking);
    const known = await this.accounts.findAll(approvals.map(({ by }) => by));
    return asking.map((step) => {
      const own = judged.find((one) => isSameStep(one, step));
      if (own === undefined) throw new Error('a step that asked is not judged');
      return { ...step, standing: standingOf(own, approvals, known) };
    });
  }

  private async say(
    id: string,
    by: Principal,
    kind: ApprovalKind,
    { step: named, reason }: Word,
    inputs: NameRecord<unknown> | undefined,
  ): Promise<void> {
    const execution = await this.waiting(id);
    const step = await this.meant(execution, named);
    const account = await this.accounts.find(by.id);
    const refusal = whyNot(step, by, account, kind);
    if (refusal !== undefined) throw refused(refusal);
    if (account === undefined) throw new Error(`the principal ${by.id} has no account`);
    const given = inputs === undefined ? [] : inputsOf(step, inputs);
    if (kind === 'approval') await this.mustAgree(execution, step, given);
    const approval: StepApproval = {
      ...{ stage: step.stage, step: step.step, attempt: step.attempt },
      ...{ kind, by: account.id, login: account.login, generation: account.generation },
      ...{ reason: reason ?? null, at: new Date(), commit: step.commit, inputs: given },
      plan_hash: step.cause.plan_hash,
    };
    if (!(await this.executions.addApproval(id, execution.attempt, approval))) {
      // Somebody was faster, or it has been said before: which of them, the record tells.
      const { approvals = [] } = await this.waiting(id);
      const isAgain = approvals.some((one) => isSameWord(one, approval));
      const said = isAgain ? 'You have said that already.' : 'It is decided by now.';
      throw conflict(said);
    }
    this.continuing.tell(id);
    await this.continuing.lookAt(id);
  }

  /** As it is now, with what is live only. @throws NotFoundError, ConflictError */
  private async waiting(id: string): Promise<ExecutionRecord> {
    const stored = await this.executions.find(id);
    if (stored === null) throw notFound('execution', id);
    if (isTerminal(stored.status)) throw conflict(`The execution is over: it is ${stored.status}.`);
    return this.live.merge(stored);
  }

  /** @throws ConflictError, ValidationError */
  private async meant(execution: ExecutionRecord, named: string | undefined): Promise<JudgedStep> {
    const all = askingSteps(execution);
    const fitting = all.filter(
      ({ stage, step }) => named === undefined || step === named || `${stage}/${step}` === named,
    );
    const waiting = fitting.filter(({ isWaiting }) => isWaiting);
    const [only, ...others] = execution.status === 'pending' ? [] : waiting;
    if (only === undefined) {
      throw nothingWaits(named, all.filter(({ isWaiting }) => isWaiting).map(nameOf));
    }
    if (others.length > 0) {
      const names = waiting.map(nameOf);
      throw validationError(`Several steps wait: ${names.join(', ')}.`, {
        details: [{ path: 'step', code: 'ambiguous', message: 'step must name one of them' }],
      });
    }
    const [judged] = await this.continuing.judged(execution, [only]);
    if (judged === undefined) throw new Error('a step that waits is not judged');
    return judged;
  }

  /** People approve one thing: what the last of them gives is no other than what the first saw. */
  private async mustAgree(
    { approvals = [] }: ExecutionRecord,
    step: JudgedStep,
    given: readonly NamedInput[],
  ): Promise<void> {
    const known = await this.accounts.findAll(approvals.map(({ by }) => by));
    const counted = standingOf(step, approvals, known).given.filter(
      ({ counts, approval }) => counts && approval.kind === 'approval',
    );
    const other = counted.find(
      ({ approval }) => textOfInputs(approval.inputs) !== textOfInputs(given),
    );
    if (other === undefined) return;
    const { login, inputs } = other.approval;
    throw conflict(`${login} has approved other inputs.`, {
      details: { inputs },
      suggestions: ['Approve the same inputs, or reject it.'],
    });
  }
}

/** 409. @param waiting the steps that do wait, by their names */
export function nothingWaits(named: string | undefined, waiting: readonly string[]): MillraceError {
  const what = named === undefined ? 'No step of it' : `No step "${named}" of it`;
  return conflict(`${what} waits for an approval.`, { details: { waiting } });
}

function nameOf({ stage, step }: AskingStep): string {
  return `${stage}/${step}`;
}

/** @throws UnprocessableError */
function inputsOf({ asked }: JudgedStep, given: NameRecord<unknown>): NamedInput[] {
  const { inputs, problems } = resolveInputs({ inputs: asked.inputs ?? [] }, given, 'approval');
  if (problems.length > 0) {
    throw inputsNotAsked(problems);
  }
  return Object.entries(inputs).map(([name, value]) => ({ name, value }));
}

function whyNot(
  step: JudgedStep,
  { scopes }: Principal,
  account: Account | undefined,
  kind: ApprovalKind,
): Reason | undefined {
  if (kind !== 'override') return whyNoAnswer(step, account, kind);
  // Only who may change the rules of environments may pass over approvals.
  return scopes.has('environments:write') ? undefined : approvalReasons.noOverride();
}

/** 403, by the code that says why. */
function refused({ code, message, data }: Reason): MillraceError {
  return new MillraceError('AuthorizationError', `${message}.`, {
    details: { code, ...data },
    suggestions: ['`./millrace status ID` shows who may approve.'],
  });
}

/** 422 @param problems of each input that does not fit */
export function inputsNotAsked(problems: readonly unknown[]): MillraceError {
  return unprocessable('The inputs do not fit what the step asks for.', { details: problems });
}
