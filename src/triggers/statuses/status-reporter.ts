import { Injectable } from '@nestjs/common';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { timeOfUuid } from '../../common/ids/uuid.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import { ExecutionsRepository } from '../../executions/record/executions.repository.js';
import { executionUrl } from '../../executions/record/execution-url.js';
import { ForgeError } from '../../integrations/forge/forge.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import type { CommitStatusDocument, ForgeStatus } from './commit-status.schema.js';
import { CommitStatusesRepository } from './commit-statuses.repository.js';
import { statusOf } from './status-of.js';

const EVERY_MS = 1_000;
const MOST_AT_ONCE = 100;
/** Longer than a forge has to answer. */
const CLAIM_MS = 60_000;
const LOOK_AGAIN_MS = 1_000;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;
const DELIVERIES_KEPT_MS = 14 * 24 * 3_600_000;

interface Found {
  readonly wanted: ForgeStatus;
  /** Nothing follows it. */
  readonly isLast: boolean;
}

/** Sends forges the statuses of the commits whose events they sent. */
@Injectable()
export class StatusReporter extends BackgroundRounds {
  constructor(
    private readonly statuses: CommitStatusesRepository,
    private readonly executions: ExecutionsRepository,
    private readonly repositories: RepositoriesService,
    private readonly config: MillraceConfig,
  ) {
    super({ everyMs: EVERY_MS });
  }

  protected async work(): Promise<void> {
    const due = await this.statuses.due(MOST_AT_ONCE);
    await Promise.all(due.map((status) => this.look(status)));
  }

  private async look(status: CommitStatusDocument): Promise<void> {
    if (!(await this.statuses.claim(status, CLAIM_MS))) return;
    const found = await this.find(status);
    if (!found) {
      const due = lookAgainFor(status);
      if (due !== undefined) return this.statuses.note(status, { due });
      return this.statuses.note(status, { done: true, problem: 'nothing is left of it' });
    }
    const { wanted, isLast } = found;
    if (!isSame(status.sent, wanted)) {
      const failure = await this.send(status, wanted);
      if (failure) return this.postpone(status, failure);
    }
    const due = new Date(Date.now() + LOOK_AGAIN_MS);
    await this.statuses.note(status, { sent: wanted, done: isLast, due, tries: 0, problem: null });
  }

  private async find({
    execution_id: id,
    fixed,
  }: CommitStatusDocument): Promise<Found | undefined> {
    if (id === null) return fixed === null ? undefined : { wanted: fixed, isLast: true };
    const execution = await this.executions.find(id);
    return execution
      ? { wanted: statusOf(execution), isLast: isTerminal(execution.status) }
      : undefined;
  }

  /** Undefined: the forge has it. */
  private async send(
    { repository_id: id, commit, context, execution_id: executionId }: CommitStatusDocument,
    wanted: ForgeStatus,
  ): Promise<ForgeError | undefined> {
    const repository = await this.repositories.find(id);
    if (!repository)
      return new ForgeError('not_found', 'The repository is not connected any more.');
    const targetUrl =
      executionId === null ? undefined : executionUrl(this.config.publicUrl, executionId);
    try {
      await this.repositories.atForge(repository, (forge, name) =>
        forge.setStatus(name, commit, { context, ...wanted, targetUrl }),
      );
      return undefined;
    } catch (error) {
      if (!(error instanceof ForgeError)) throw error;
      if (error.code === 'unauthorized' || error.code === 'forbidden') {
        await this.repositories.noteProblem(id, error);
      }
      return error;
    }
  }

  private async postpone(status: CommitStatusDocument, failure: ForgeError): Promise<void> {
    const isLasting = failure.code === 'not_found' || failure.code === 'refused';
    const tries = status.tries + 1;
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS);
    const due = new Date(Date.now() + (failure.retryAfterMs ?? pause));
    const problem = failure.message;
    await this.statuses.note(status, { done: isLasting, due, tries, problem });
    this.logger.warn({ err: failure, status: status._id, tries }, 'commit status not sent');
  }
}

/**
 * A status is wanted before its execution is accepted, and the worker that accepts it may die in
 * between: it is looked for as long as its delivery is kept, ever more rarely. Undefined: no more.
 */
function lookAgainFor({ execution_id: id }: CommitStatusDocument): Date | undefined {
  if (id === null) return undefined;
  const now = Date.now();
  const age = now - timeOfUuid(id);
  if (age > DELIVERIES_KEPT_MS) return undefined;
  return new Date(now + Math.max(LOOK_AGAIN_MS, age / 10));
}

function isSame(one: ForgeStatus | null, other: ForgeStatus): boolean {
  return one !== null && one.state === other.state && one.description === other.description;
}
