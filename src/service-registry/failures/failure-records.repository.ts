import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import type { FailureRecord, FailureRecordState } from './failure-record.js';
import { FAILURE_RECORD_MODEL } from './failure-record.schema.js';
import { FailureRecords } from './failure-records.js';

/** A call waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5_000 } as const;

/** The collection `service_failures`. */
@Injectable()
export class FailureRecordsRepository extends FailureRecords {
  constructor(@InjectModel(FAILURE_RECORD_MODEL) private readonly records: Model<FailureRecord>) {
    super();
  }

  async add(record: FailureRecord): Promise<boolean> {
    const { _id, deployment_id: deployment } = record;
    return databaseRetry(async () => {
      try {
        await this.records.insertOne(record);
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        if (deployment === null) return false;
        // A try before, whose answer was lost, has stored this very one.
        const there = await this.records.findById(_id).lean<FailureRecord | null>();
        return there?.deployment_id === deployment;
      }
    }, RETRY);
  }

  async settle(id: string, state: Exclude<FailureRecordState, 'decided'>): Promise<void> {
    await databaseRetry(
      () => this.records.updateOne({ _id: id, state: 'decided' }, { $set: { state } }),
      RETRY,
    );
  }

  async of(service: string, limit: number): Promise<readonly FailureRecord[]> {
    return this.records.find({ service }).sort({ _id: -1 }).limit(limit).lean<FailureRecord[]>();
  }

  async decided(): Promise<readonly FailureRecord[]> {
    return this.records.find({ state: 'decided' }).sort({ _id: 1 }).lean<FailureRecord[]>();
  }

  async removeOf(service: string): Promise<void> {
    await databaseRetry(() => this.records.deleteMany({ service }), RETRY);
  }

  async removeBefore(time: Date): Promise<void> {
    await databaseRetry(() => this.records.deleteMany({ at: { $lt: time } }), RETRY);
  }
}
