import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { QueueRecord } from './queue.schema.js';

@Injectable()
export class QueuesRepository {
  private readonly known = new Set<string>();

  constructor(@InjectModel(QueueRecord.name) private readonly queues: Model<QueueRecord>) {}

  /**
   * Registers the queue, so that workers find it. True when this process had not done so before.
   */
  async ensure(name: string): Promise<boolean> {
    if (this.known.has(name)) return false;
    await databaseRetry(
      () => this.queues.updateOne({ _id: name }, { $setOnInsert: { _id: name } }, { upsert: true }),
      { deadlineMs: 3_000 },
    );
    this.known.add(name);
    return true;
  }

  async names(): Promise<string[]> {
    const queues = await this.queues.find().lean<QueueRecord[]>();
    return queues.map(({ _id }) => _id);
  }
}
