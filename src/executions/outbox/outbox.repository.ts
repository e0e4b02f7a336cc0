import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Collection, Model } from 'mongoose';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { ExecutionRecord } from '../record/execution.schema.js';
import type { OutboxEvent } from '../record/outbox-event.js';
import {
  OutboxStore,
  type Refusal,
  type OutboxEventId,
  type WaitingOutbox,
} from './outbox-store.js';

const DEADLINE_MS = 3_000;
const LONG_AGO = new Date(0);

/** @see docs/adr/0027-one-end-and-an-outbox.md */
@Injectable()
export class OutboxRepository extends OutboxStore {
  private readonly collection: Collection<ExecutionRecord>;

  constructor(@InjectModel(ExecutionRecord.name) executions: Model<ExecutionRecord>) {
    super();
    this.collection = executions.db.collection<ExecutionRecord>(executions.collection.name);
  }

  async read(executionId: string): Promise<readonly OutboxEvent[]> {
    const found = await this.retry(() =>
      this.collection.findOne({ _id: executionId }, { projection: { outbox: 1 } }),
    );
    return found?.outbox ?? [];
  }

  /** By the sparse index. */
  async waiting(limit: number): Promise<readonly WaitingOutbox[]> {
    const found = await this.collection
      .find(
        { outbox_due: { $gt: LONG_AGO } },
        { projection: { outbox_due: 1, outbox: 1 }, sort: { outbox_due: 1 }, limit },
      )
      .toArray();
    return found.map(({ _id, outbox_due, outbox }) => ({
      executionId: _id,
      due: outbox_due ?? LONG_AGO,
      tries: outbox?.at(0)?.tries ?? 0,
    }));
  }

  async remove(event: OutboxEventId): Promise<void> {
    const { executionId, eventId } = event;
    await this.retry(async () => {
      if ((await this.clear([event])) === 1) return;
      const outbox = { event_id: eventId };
      await this.collection.updateOne({ _id: executionId }, { $pull: { outbox } });
    });
  }

  async removeAll(events: readonly OutboxEventId[]): Promise<void> {
    if (events.length > 0) await this.retry(() => this.clear(events));
  }

  async noteTaken(
    { executionId, eventId }: OutboxEventId,
    takenBy: readonly string[],
  ): Promise<void> {
    await this.retry(() =>
      this.collection.updateOne(
        { _id: executionId, 'outbox.0.event_id': eventId },
        { $addToSet: { 'outbox.0.taken_by': { $each: [...takenBy] } } },
      ),
    );
  }

  async noteRefusal(
    { executionId, eventId }: OutboxEventId,
    { takenBy, tries, due }: Refusal,
  ): Promise<void> {
    await this.retry(() =>
      this.collection.updateOne(
        { _id: executionId, 'outbox.0.event_id': eventId },
        {
          $addToSet: { 'outbox.0.taken_by': { $each: [...takenBy] } },
          $set: { 'outbox.0.tries': tries, outbox_due: due },
        },
      ),
    );
  }

  /** One statement for many outboxes that hold nothing else. */
  private async clear(events: readonly OutboxEventId[]): Promise<number> {
    const { modifiedCount } = await this.collection.updateMany(
      {
        _id: { $in: events.map(({ executionId }) => executionId) },
        'outbox.0.event_id': { $in: events.map(({ eventId }) => eventId) },
        'outbox.1': { $exists: false },
      },
      { $unset: { outbox: '', outbox_due: '' } },
    );
    return modifiedCount;
  }

  private retry<T>(call: () => Promise<T>): Promise<T> {
    return databaseRetry(call, { deadlineMs: DEADLINE_MS });
  }
}
