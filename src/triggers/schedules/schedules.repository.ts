import type { Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { type ScheduleState, ScheduleStore, type Tick } from './schedule-store.js';
import type { ScheduleDocument, TickDocument } from './schedule.schema.js';

const RETRY = { deadlineMs: 5000 } as const;

/** The collections `schedules` and `schedule_ticks`. */
export class SchedulesRepository extends ScheduleStore {
  constructor(
    private readonly schedules: Model<ScheduleDocument>,
    private readonly ticks: Model<TickDocument>,
  ) {
    super();
  }

  all(): Promise<ScheduleState[]> {
    return this.find({});
  }

  ofPipeline(pipelineId: string): Promise<ScheduleState[]> {
    return this.find({ pipeline_id: pipelineId });
  }

  async begin({
    id,
    pipelineId,
    since,
  }: Pick<ScheduleState, 'id' | 'pipelineId' | 'since'>): Promise<void> {
    const schedule: ScheduleDocument = { _id: id, pipeline_id: pipelineId, since, last: null };
    await databaseRetry(() => once(() => this.schedules.insertOne(schedule)), RETRY);
  }

  async end(scheduleIds: readonly string[]): Promise<void> {
    if (scheduleIds.length === 0) return;
    await databaseRetry(
      () => this.schedules.deleteMany({ _id: { $in: scheduleIds } }).exec(),
      RETRY,
    );
  }

  async decide(tick: Tick): Promise<Tick> {
    const document = { ...tickDocument(tick), open: tick.starts };
    const stored = await databaseRetry(async () => {
      await once(() => this.ticks.insertOne(document));
      return this.ticks.findById(tick.id).lean<TickDocument>().exec();
    }, RETRY);
    // It was removed after its time by a process whose clock is far ahead.
    const counts = stored ? tickOf(stored) : tick;
    const older = { _id: tick.scheduleId, since: { $lt: tick.at } };
    const set = { since: tick.at, last: tickDocument(counts) };
    await databaseRetry(() => this.schedules.updateOne(older, { $set: set }).exec(), RETRY);
    return counts;
  }

  async open(limit: number): Promise<Tick[]> {
    const rows = await databaseRetry(
      () =>
        this.ticks
          .find({ open: true })
          .sort({ decided_at: 1 })
          .limit(limit)
          .lean<TickDocument[]>()
          .exec(),
      RETRY,
    );
    return rows.map(tickOf);
  }

  async started(tickId: string): Promise<void> {
    await databaseRetry(
      () => this.ticks.updateOne({ _id: tickId }, { $set: { open: false } }).exec(),
      RETRY,
    );
  }

  async removeBefore(time: Date): Promise<void> {
    const old = { open: false, decided_at: { $lt: time } };
    await databaseRetry(() => this.ticks.deleteMany(old).exec(), RETRY);
  }

  private async find(filter: { readonly pipeline_id?: string }): Promise<ScheduleState[]> {
    const rows = await databaseRetry(
      () => this.schedules.find(filter).sort({ _id: 1 }).lean<ScheduleDocument[]>().exec(),
      RETRY,
    );
    return rows.map(({ _id: id, pipeline_id: pipelineId, since, last }) => {
      return { id, pipelineId, since, last: last && tickOf(last) };
    });
  }
}

async function once(insert: () => Promise<unknown>): Promise<void> {
  try {
    await insert();
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
}

function tickDocument(tick: Tick): Omit<TickDocument, 'open'> {
  return {
    _id: tick.id,
    schedule_id: tick.scheduleId,
    pipeline_id: tick.pipelineId,
    at: tick.at,
    decided_at: tick.decidedAt,
    starts: tick.starts,
    reason: tick.reason,
    version: tick.version,
    execution_id: tick.executionId,
  };
}

function tickOf(document: Omit<TickDocument, 'open'>): Tick {
  return {
    id: document._id,
    scheduleId: document.schedule_id,
    pipelineId: document.pipeline_id,
    at: document.at,
    decidedAt: document.decided_at,
    starts: document.starts,
    reason: document.reason,
    version: document.version,
    executionId: document.execution_id,
  };
}
