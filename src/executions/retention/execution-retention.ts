import { Injectable, Logger } from '@nestjs/common';
import { failPoint } from '../../common/fail-point.js';
import { firstUuidAt } from '../../common/ids/uuid.js';
import type { RemovedExecution } from '../../common/retention/execution-part.js';
import { ExecutionParts } from '../../common/retention/execution-parts.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { expiredBefore, isExpired, type RetentionRule, surplusBefore } from './retention-rule.js';
import { type OldExecution, RetentionRepository } from './retention.repository.js';

/** Executions that are removed together. */
const BATCH = 100;
/** Executions that are looked up together: on FerretDB a look-up costs by all that match. */
const LOOK_UP = 2_000;
const PIPELINES_PAGE = 200;
/**
 * What nobody owns is removed once it is so old: an execution that is younger may be on its way.
 */
const STRAY_MS = 86_400_000;

/**
 * When the parts of so many executions cannot be removed, it is not for the executions: the sweep
 * ends.
 */
const MAX_KEPT = 20;

/** What a sweep removed. */
export interface RetentionResult {
  readonly aged: number;
  readonly surplus: number;
  /** Executions that were gone already, but not all of their parts. */
  readonly strays: number;
  /** Executions that stay because a part of theirs cannot be removed. */
  readonly kept: number;
}

/** Asked between two batches; false ends the sweep. */
export type ShouldContinue = () => Promise<boolean>;

interface Sweep {
  readonly shouldContinue: ShouldContinue;
  /** Ids of executions that stay, because a part of theirs cannot be removed. */
  readonly kept: Set<string>;
}

/**
 * Removes what is not to be kept: executions with all of their parts. The execution goes last, so
 * whatever kills a sweep, and whichever part fails, the next one finds the execution again and
 * finishes it. Safe to be run twice at once.
 */
@Injectable()
export class ExecutionRetention {
  private readonly logger = new Logger(ExecutionRetention.name);

  constructor(
    private readonly executions: RetentionRepository,
    private readonly parts: ExecutionParts,
    private readonly pipelines: PipelinesService,
  ) {}

  /** Rejects when the database or a part is away; what was removed until then is gone. */
  async sweep(
    rule: RetentionRule,
    now: number,
    shouldContinue: ShouldContinue,
  ): Promise<RetentionResult> {
    const sweep: Sweep = { shouldContinue, kept: new Set() };
    const aged = await this.removeAged(expiredBefore(rule, now), sweep);
    const surplus = await this.removeSurplus(rule.count, surplusBefore(rule, now), sweep);
    const strays = await this.removeStrays(firstUuidAt(now - STRAY_MS), sweep);
    return { aged, surplus, strays, kept: sweep.kept.size };
  }

  private async removeAged(endedBefore: Date | undefined, sweep: Sweep): Promise<number> {
    if (!endedBefore) return 0;
    return this.removeAll(() => this.executions.aged(endedBefore, LOOK_UP), endedBefore, sweep);
  }

  /** Executions of pipelines that were deleted go by their age alone. */
  private async removeSurplus(
    count: number,
    endedBefore: Date | undefined,
    sweep: Sweep,
  ): Promise<number> {
    if (!endedBefore) return 0;
    let removed = 0;
    let after: string | undefined;
    do {
      const page = await this.pipelines.list({ limit: PIPELINES_PAGE, after });
      for (const { _id: id } of page.items) {
        const newest = await this.executions.firstSurplus(id, count);
        if (newest === undefined) continue;
        const lookUp = () => this.executions.surplus(id, newest, endedBefore, LOOK_UP);
        removed += await this.removeAll(lookUp, endedBefore, sweep);
        if (!(await sweep.shouldContinue())) return removed;
      }
      after = page.next;
    } while (after !== undefined);
    return removed;
  }

  private async removeAll(
    lookUp: () => Promise<OldExecution[]>,
    endedBefore: Date,
    sweep: Sweep,
  ): Promise<number> {
    let removed = 0;
    for (;;) {
      const old = (await lookUp()).filter(
        (execution) => isExpired(execution, endedBefore) && !sweep.kept.has(execution._id),
      );
      const before = removed;
      for (let start = 0; start < old.length; start += BATCH) {
        if (!(await sweep.shouldContinue())) return removed;
        removed += await this.remove(old.slice(start, start + BATCH), sweep);
      }
      if (removed === before) return removed;
    }
  }

  /** Resolves with how many went. One whose part fails stays, and keeps none of the others. */
  private async remove(executions: readonly OldExecution[], sweep: Sweep): Promise<number> {
    try {
      return await this.removeTogether(executions);
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      return this.removeOneByOne(executions, sweep);
    }
  }

  private async removeOneByOne(executions: readonly OldExecution[], sweep: Sweep): Promise<number> {
    let removed = 0;
    for (const execution of executions) {
      try {
        removed += await this.removeTogether([execution]);
      } catch (error) {
        if (isDatabaseUnavailable(error) || sweep.kept.size >= MAX_KEPT) throw error;
        sweep.kept.add(execution._id);
        this.logger.warn({ err: error, executionId: execution._id }, 'a part cannot be removed');
      }
    }
    return removed;
  }

  private async removeTogether(executions: readonly OldExecution[]): Promise<number> {
    await this.removeParts(executions.map(({ _id: id, attempt }) => ({ id, attempts: attempt })));
    failPoint('retention_log_removed');
    const ids = executions.map(({ _id }) => _id);
    const removed = await this.executions.remove(ids);
    this.logger.debug({ removed, upTo: ids.at(-1) }, 'executions removed');
    return removed;
  }

  private async removeParts(executions: readonly RemovedExecution[]): Promise<void> {
    for (const part of this.parts.all) await part.remove(executions);
  }

  /**
   * Removes parts that nobody owns: a worker that was taken for lost may have written them after
   * their execution was removed. They lie below the oldest execution sooner or later, and only
   * there they are looked for.
   */
  private async removeStrays(youngest: string, sweep: Sweep): Promise<number> {
    const oldest = (await this.executions.oldest()) ?? youngest;
    const before = oldest < youngest ? oldest : youngest;
    let removed = 0;
    for (const part of this.parts.all) {
      for (;;) {
        const id = await part.firstExecution(before);
        // The clock of whoever accepted it may be far behind.
        if (id === undefined || (await this.executions.exists(id))) break;
        if (!(await sweep.shouldContinue())) return removed;
        await this.removeParts([{ id }]);
        removed += 1;
      }
    }
    return removed;
  }
}
