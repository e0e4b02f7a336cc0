import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { seenWorker } from './seen-worker.js';
import {
  type DrainRequest,
  type WorkerContainers,
  type WorkerMachine,
  WorkerRecord,
  type WorkerRefusal,
  type WorkerStatus,
} from './worker.schema.js';

/** What a beat brings. */
export interface WorkerBeat {
  readonly beat: number;
  readonly status: WorkerStatus;
  readonly running: number;
  readonly executions: readonly string[];
  readonly machine: WorkerMachine;
  readonly labels: readonly string[];
  readonly containers: WorkerContainers;
  readonly refusal: WorkerRefusal | null;
  readonly heartbeat_at: Date;
}

const LIVE: readonly WorkerStatus[] = ['active', 'draining'];

@Injectable()
export class WorkersRepository {
  constructor(@InjectModel(WorkerRecord.name) private readonly workers: Model<WorkerRecord>) {}

  /** Idempotent: the id is the process's own. */
  async register(worker: WorkerRecord): Promise<void> {
    await this.workers.replaceOne({ _id: worker._id }, worker, { upsert: true });
  }

  /**
   * Renews the lease, and tells what is requested of the worker. `lost`: others declared it lost,
   * and it must stop.
   */
  async beat(id: string, beat: WorkerBeat): Promise<DrainRequest | null | 'lost'> {
    const renewed = await this.workers
      .findOneAndUpdate(
        { _id: id, status: { $in: [...LIVE] } },
        { $set: beat },
        { returnDocument: 'after', projection: { drain_requested: 1 } },
      )
      .lean<Pick<WorkerRecord, 'drain_requested'> | null>();
    return renewed === null ? 'lost' : (renewed.drain_requested ?? null);
  }

  async find(id: string): Promise<WorkerRecord | null> {
    const found = await this.workers.findById(id).lean<WorkerRecord | null>();
    return found && seenWorker(found);
  }

  /**
   * Asks a live worker to take nothing more, or (null) that it does again. False: there is no such
   * live worker.
   */
  async requestDrain(id: string, request: DrainRequest | null): Promise<boolean> {
    const { matchedCount } = await this.workers.updateOne(
      { _id: id, status: { $in: [...LIVE] } },
      { $set: { drain_requested: request } },
    );
    return matchedCount === 1;
  }

  /** Ends a worker's life; only a live one changes. */
  async end(id: string, status: 'stopped' | 'lost'): Promise<void> {
    await this.workers.updateOne(
      { _id: id, status: { $in: [...LIVE] } },
      { $set: { status, running: 0 } },
    );
  }

  async live(): Promise<WorkerRecord[]> {
    const found = await this.workers
      .find({ status: { $in: [...LIVE] } })
      .sort({ _id: 1 })
      .lean<WorkerRecord[]>();
    return found.map(seenWorker);
  }

  /** Live workers, and the newest `limit` of all. */
  async list(limit: number): Promise<WorkerRecord[]> {
    const found = await this.workers.find().sort({ _id: -1 }).limit(limit).lean<WorkerRecord[]>();
    return found.map(seenWorker);
  }

  /** Which of these are live. */
  async liveAmong(ids: readonly string[]): Promise<Set<string>> {
    if (ids.length === 0) return new Set();
    const found = await this.workers
      .find({ _id: { $in: [...ids] }, status: { $in: [...LIVE] } }, { _id: 1 })
      .lean<{ _id: string }[]>();
    return new Set(found.map(({ _id }) => _id));
  }

  /** Forgets workers that ended before `before`. */
  async removeEnded(before: Date): Promise<void> {
    await this.workers.deleteMany({
      status: { $in: ['stopped', 'lost'] },
      heartbeat_at: { $lt: before },
    });
  }
}
