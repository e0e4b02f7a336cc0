import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { type Page, pageOf, type PageRequest } from '../../common/http/paging.js';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import type { Alert } from './alert.js';
import type { AlertState } from './alert-state.js';
import { ALERT_MODEL, ALERT_STATE_MODEL } from './alert.schema.js';
import { AlertStore } from './alert-store.js';

/** A call waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5_000 } as const;

/** The collections `service_alerts` and `alert_states`. */
@Injectable()
export class AlertsRepository extends AlertStore {
  constructor(
    @InjectModel(ALERT_MODEL) private readonly alerts: Model<Alert>,
    @InjectModel(ALERT_STATE_MODEL) private readonly stateRecords: Model<AlertState>,
  ) {
    super();
  }

  async insert(alert: Alert): Promise<void> {
    await databaseRetry(async () => {
      try {
        await this.alerts.insertOne(alert);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }, RETRY);
  }

  async find(id: string): Promise<Alert | undefined> {
    return (await this.alerts.findById(id).lean<Alert | null>()) ?? undefined;
  }

  async save(next: Alert): Promise<boolean> {
    const { _id, version, ...rest } = next;
    const { matchedCount } = await databaseRetry(
      () => this.alerts.updateOne({ _id, version: version - 1 }, { $set: { ...rest, version } }),
      RETRY,
    );
    return matchedCount === 1;
  }

  async due(at: Date, limit: number): Promise<readonly Alert[]> {
    return this.alerts
      .find({ due_at: { $lte: at } })
      .sort({ due_at: 1 })
      .limit(limit)
      .lean<Alert[]>();
  }

  async open(subject: string, limit: number): Promise<readonly Alert[]> {
    return this.alerts
      .find({ subject, due_at: { $ne: null } })
      .sort({ _id: 1 })
      .limit(limit)
      .lean<Alert[]>();
  }

  async page(subject: string, { limit, after }: PageRequest): Promise<Page<Alert>> {
    const rows = await this.alerts
      .find({ subject, ...(after !== undefined && { _id: { $lt: after } }) })
      .sort({ _id: -1 })
      .limit(limit + 1)
      .lean<Alert[]>();
    return pageOf(rows, limit, ({ _id }) => _id);
  }

  async removeBefore(time: Date): Promise<void> {
    await databaseRetry(() => this.alerts.deleteMany({ created_at: { $lt: time } }), RETRY);
  }

  async states(): Promise<ReadonlyMap<string, AlertState>> {
    const all = await this.stateRecords.find().lean<AlertState[]>();
    return new Map(all.map((one) => [one._id, one]));
  }

  async saveState(next: AlertState): Promise<boolean> {
    const { _id, version, ...rest } = next;
    return databaseRetry(async () => {
      if (version > 1) {
        const { matchedCount } = await this.stateRecords.updateOne(
          { _id, version: version - 1 },
          { $set: { ...rest, version } },
        );
        return matchedCount === 1;
      }
      try {
        await this.stateRecords.insertOne(next);
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        return false;
      }
    }, RETRY);
  }

  async removeState(subject: string): Promise<void> {
    await databaseRetry(() => this.stateRecords.deleteOne({ _id: subject }), RETRY);
  }
}
