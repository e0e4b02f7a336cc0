import { Injectable, Logger } from '@nestjs/common';
import { failPoint } from '../../common/fail-point.js';
import { firstUuidAt } from '../../common/ids/uuid.js';
import { LogChunkStore } from '../../logs/store/log-chunk-store.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { ExecutionTracesRepository } from '../record/execution-traces.repository.js';
import { agedBefore, mayGo, type RetentionRule, surplusBefore } from './retention-rule.js';
import { type OldExecution, RetentionRepository } from './retention.repository.js';

/** Executions that are removed together. */
const BATCH = 100;
/** Executions that are looked up together: on FerretDB a look-up costs by all that match. */
const LOOK_UP = 2_000;
const PIPELINES_PAGE = 200;
/** What nobody owns is removed once it is so old: an execution that is younger may be on its way. */
const STRAY_MS = 86_400_000;

/** What a sweep removed. */
export interface RetentionResult {
  readonly aged: number;
  readonly surplus: number;
  /** Logs and traces whose execution was gone already. */
  readonly strays: number;
}

/** Asked between two batches; false ends the sweep. */
export type GoOn = () => Promise<boolean>;

/**
 * Removes what is not to be kept: executions with their log and traces. The execution goes last, so whatever kills a sweep, the
 * next one finds the execution again and finishes it. Safe to be run twice at once.
 */
@Injectable()
export class ExecutionRetention {
  private readonly logger = new Logger(ExecutionRetention.name);

  constructor(
    private readonly executions: RetentionRepository,
    private readonly traces: ExecutionTracesRepository,
    private readonly chunks: LogChunkStore,
    private readonly pipelines: PipelinesService,
  ) {}

  /** Rejects when the database is away; what was removed until then is gone. */
  async sweep(rule: RetentionRule, now: number, goOn: GoOn): Promise<RetentionResult> {
    const aged = await this.removeAged(agedBefore(rule, now), goOn);
    const surplus = await this.removeSurplus(rule.count, surplusBefore(rule, now), goOn);
    const strays = await this.removeStrays(firstUuidAt(now - STRAY_MS), goOn);
    return { aged, surplus, strays };
  }

  private async removeAged(endedBefore: Date | undefined, goOn: GoOn): Promise<number> {
    if (!endedBefore) return 0;
    return this.removeAll(() => this.executions.aged(endedBefore, LOOK_UP), endedBefore, goOn);
  }

  /** Executions of pipelines that were deleted go by their age alone. */
  private async removeSurplus(
    count: number,
    endedBefore: Date | undefined,
    goOn: GoOn,
  ): Promise<number> {
    if (!endedBefore) return 0;
    let removed = 0;
    let after: string | undefined;
    do {
      const page = await this.pipelines.list({ limit: PIPELINES_PAGE, after });
      for (const { _id: id } of page.items) {
        const newest = await this.executions.firstSurplus(id, count);
        if (newest === undefined) continue;
        const look = () => this.executions.surplus(id, newest, endedBefore, LOOK_UP);
        removed += await this.removeAll(look, endedBefore, goOn);
        if (!(await goOn())) return removed;
      }
      after = page.next;
    } while (after !== undefined);
    return removed;
  }

  private async removeAll(
    lookUp: () => Promise<OldExecution[]>,
    endedBefore: Date,
    goOn: GoOn,
  ): Promise<number> {
    let removed = 0;
    for (;;) {
      const old = (await lookUp()).filter((execution) => mayGo(execution, endedBefore));
      const before = removed;
      for (let start = 0; start < old.length; start += BATCH) {
        if (!(await goOn())) return removed;
        removed += await this.remove(old.slice(start, start + BATCH));
      }
      if (removed === before) return removed;
    }
  }

  private async remove(executions: readonly OldExecution[]): Promise<number> {
    const ids = executions.map(({ _id }) => _id);
    await this.chunks.deleteExecutions(ids);
    await this.traces.deleteExecutions(executions);
    failPoint('retention_log_removed');
    const removed = await this.executions.remove(ids);
    this.logger.debug({ removed, upTo: ids.at(-1) }, 'executions removed');
    return removed;
  }

  /**
   * Removes logs and traces that nobody owns: a worker that was taken for lost may have written them after their execution
   * was removed. They lie below the oldest execution sooner or later, and only there they are looked for.
   */
  private async removeStrays(youngest: string, goOn: GoOn): Promise<number> {
    const oldest = (await this.executions.oldest()) ?? youngest;
    const before = oldest < youngest ? oldest : youngest;
    let removed = 0;
    for (;;) {
      const [chunk, trace] = await Promise.all([
        this.chunks.firstExecution(before),
        this.traces.firstExecution(before),
      ]);
      const id = chunk ?? trace;
      if (id === undefined || !(await goOn())) return removed;
      // The clock of whoever accepted it may be far behind.
      if (await this.executions.exists(id)) return removed;
      await this.chunks.deleteExecutions([id]);
      await this.traces.deleteStray(id);
      removed += 1;
    }
  }
}
