import { Injectable, Logger } from '@nestjs/common';
import { Accounts } from '../../auth/accounts/accounts.js';
import { failPoint } from '../../common/fail-point.js';
import { isUuid } from '../../common/ids/uuid.js';
import { causeOf } from '../../environments/approval.js';
import type { NamedUser } from '../../environments/environment.js';
import { EventBus, liveTopic } from '../../integrations/event-bus/event-bus.js';
import { EndExecution } from '../ending/end-execution.js';
import { cancelledSettlement } from '../ending/settlements.js';
import { ExecutionPlacer } from '../placement/execution-placer.js';
import { executionReasons } from '../record/execution-reasons.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { runContextOf } from '../record/run-context.js';
import { type StepAnswer, waitedMs } from '../record/suspension.js';
import { answerOf, type JudgedStep, standingOf } from './decide-approval.js';
import { OutsideWaits } from './outside-waits.js';
import { askingSteps, type AskingStep, deployingSteps } from './waiting-steps.js';

/** One that waits for nothing that is known is looked at so often, ms. */
const UNKNOWN_MS = 3_600_000;
/** What other features know is looked at so often, should nobody tell that it has changed, ms. */
const OUTSIDE_MS = 30_000;

/**
 * Lets executions continue that wait for people, once it is decided: by people, or by the time.
 * Whoever changes something looks at once, and the reconciler of any process looks when it is due.
 */
@Injectable()
export class ContinueExecution {
  private readonly logger = new Logger(ContinueExecution.name);

  constructor(
    private readonly executions: ExecutionsRepository,
    private readonly accounts: Accounts,
    private readonly endings: EndExecution,
    private readonly placer: ExecutionPlacer,
    private readonly bus: EventBus,
    private readonly outside: OutsideWaits,
  ) {}

  /**
   * Idempotent, and safe for several at once. Rejects when the database is away: somebody looks
   * again.
   *
   * @returns true: it was offered to the workers
   */
  async lookAt(id: string): Promise<boolean> {
    const execution = await this.executions.find(id);
    if (execution?.status !== 'waiting') return false;
    if (execution.cancel_requested) {
      await this.endings.end({ executionId: id }, cancelledSettlement(execution));
      return false;
    }
    const { approvals = [], approvals_given: given } = execution;
    const steps = await this.judged(
      execution,
      askingSteps(execution).filter(({ isWaiting }) => isWaiting),
    );
    const known = await this.accounts.findAll(approvals.map(({ by }) => by));
    const now = new Date();
    const outside = await this.outsideOf(execution);
    const answers = [
      ...steps.flatMap((step) => answerOf(step, standingOf(step, approvals, known), now) ?? []),
      ...outside.flatMap(({ answer }) => answer ?? []),
    ];
    if (answers.length === 0) {
      const untils = steps.map(({ asked }) => Date.parse(asked.until));
      const looks = outside.map(({ until }) => until?.getTime() ?? now.getTime() + OUTSIDE_MS);
      const next = Math.min(now.getTime() + UNKNOWN_MS, ...untils, ...looks);
      await this.executions.lookAgain(id, given ?? 0, new Date(next));
      return false;
    }
    const enqueueNumber = execution.enqueue_number + 1;
    const reason = executionReasons.answered(answers.map(({ step }) => step));
    const hold = { executionId: id, fence: execution.attempt };
    const waited = waitedMs(execution, new Date());
    const decided = { approvals: given ?? 0, answers, enqueueNumber, reason, waited };
    if (!(await this.executions.resume(hold, decided))) return false;
    failPoint('execution_answered');
    const said = answers.map(({ stage, step, kind }) => `${stage}/${step}: ${kind}`);
    this.logger.log({ executionId: id, answers: said }, 'execution continues');
    this.tell(id);
    await this.placer.offer({ ...execution, enqueue_number: enqueueNumber });
    return true;
  }

  /** Steps that wait for what other features know; with an answer: they are to continue. */
  private outsideOf(
    execution: ExecutionRecord,
  ): Promise<{ readonly answer?: StepAnswer; readonly until?: Date | undefined }[]> {
    return Promise.all(
      deployingSteps(execution).map(async ({ stage, step, attempt, deployment }) => {
        const view = await this.outside.deployment(deployment.id);
        if (view.kind === 'waits') return { until: view.until };
        const { reason } = view;
        return { answer: { ...{ stage, step, attempt, reason, inputs: [] }, kind: 'look' } };
      }),
    );
  }

  /** Lets live readers look again. */
  tell(id: string): void {
    this.bus.publish(liveTopic(id), 'resync').catch((error: unknown) => {
      this.logger.debug({ err: error, executionId: id }, 'live readers see it in time');
    });
  }

  /** With all that decides who may approve. */
  async judged(execution: ExecutionRecord, steps: readonly AskingStep[]): Promise<JudgedStep[]> {
    const cause = causeOf(runContextOf(execution));
    const commit = execution.commit?.sha ?? execution.trigger_info.commit_hash ?? null;
    return Promise.all(
      steps.map(async ({ stage, step, attempt, asked }) => {
        const users = (
          await Promise.all((asked.users ?? []).map((name) => this.named(name)))
        ).flat();
        return { ...{ stage, step, attempt, asked, users, cause, commit } };
      }),
    );
  }

  /** A name that several accounts have is nobody's: the pipeline has to name one by its id. */
  private async named(name: string): Promise<NamedUser[]> {
    if (isUuid(name)) {
      const account = await this.accounts.find(name.toLowerCase());
      return account?.kind === 'user' ? [{ id: account.id, login: account.login }] : [];
    }
    const [only, ...others] = await this.accounts.withLogin(name);
    return only === undefined || others.length > 0 ? [] : [{ id: only.id, login: only.login }];
  }
}
