import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import type { HealthChunk } from './health-chunk.js';
import { HEALTH_CHUNK_MODEL } from './health-chunk.schema.js';
import { HealthHistory } from './health-history.js';
import type { Resolution } from './health-rows.js';

/** A call waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5_000 } as const;
const AT_ONCE = 100;

/** The collection `service_health`. */
@Injectable()
export class HealthHistoryRepository extends HealthHistory {
  constructor(@InjectModel(HEALTH_CHUNK_MODEL) private readonly chunks: Model<HealthChunk>) {
    super();
  }

  async insert(chunks: readonly HealthChunk[]): Promise<void> {
    for (let at = 0; at < chunks.length; at += AT_ONCE) {
      await this.insertSome(chunks.slice(at, at + AT_ONCE));
    }
  }

  async between(
    service: string,
    resolution: Resolution,
    from: Date,
    until: Date,
    limit: number,
  ): Promise<readonly HealthChunk[]> {
    return this.chunks
      .find({ service, resolution, from: { $gte: from, $lt: until } })
      .sort({ from: 1 })
      .limit(limit)
      .lean<HealthChunk[]>();
  }

  async services(resolution: Resolution, from: Date, until: Date): Promise<readonly string[]> {
    const filter = { resolution, from: { $gte: from, $lt: until } };
    return (await this.chunks.distinct('service', filter)).sort();
  }

  async removeBefore(resolution: Resolution, time: Date): Promise<void> {
    await this.chunks.deleteMany({ resolution, from: { $lt: time } });
  }

  async removeService(service: string): Promise<void> {
    await databaseRetry(() => this.chunks.deleteMany({ service }), RETRY);
  }

  private async insertSome(chunks: readonly HealthChunk[]): Promise<void> {
    await databaseRetry(async () => {
      try {
        await this.chunks.insertMany([...chunks], { ordered: false, lean: true });
      } catch (error) {
        // Of those that are not there yet each was stored all the same.
        if (!isDuplicateKey(error)) throw error;
      }
    }, RETRY);
  }
}
