import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { createHash, randomUUID } from 'node:crypto';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { USED_ONCE_MODEL, type UsedOnceDocument } from './used-once.schema.js';

const RETRY = { deadlineMs: 5000 } as const;

/** The collection `used_once`: what was used is not taken a second time, by any process. */
@Injectable()
export class UsedOnce {
  constructor(@InjectModel(USED_ONCE_MODEL) private readonly used: Model<UsedOnceDocument>) {}

  /** True for the first call with this text. */
  async take(text: string, expiresAt: Date): Promise<boolean> {
    const _id = createHash('sha256').update(text).digest('hex');
    const by = randomUUID();
    return databaseRetry(async () => {
      try {
        await this.used.insertOne({ _id, by, expires_at: expiresAt });
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        // An earlier try of this very call may have done it.
        return (await this.used.findById(_id).lean<UsedOnceDocument>().exec())?.by === by;
      }
    }, RETRY);
  }

  async deleteExpiredBefore(time: Date): Promise<number> {
    const { deletedCount } = await this.used.deleteMany({ expires_at: { $lt: time } }).exec();
    return deletedCount;
  }
}
