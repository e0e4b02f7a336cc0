import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { ENCRYPTION_STATE_MODEL, type EncryptionStateDocument } from './encryption-state.schema.js';

/** A request waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 5000 } as const;
const ID = { _id: 'state' } as const;

/** The collection `encryption`. */
@Injectable()
export class EncryptionStateRepository {
  constructor(
    @InjectModel(ENCRYPTION_STATE_MODEL) private readonly states: Model<EncryptionStateDocument>,
  ) {}

  /** The key by which everything is sealed; undefined: no key seals everything. */
  async sealedBy(deadlineMs: number = RETRY.deadlineMs): Promise<string | undefined> {
    const state = await databaseRetry(
      () => this.states.findOne(ID).lean<EncryptionStateDocument>().exec(),
      { deadlineMs },
    );
    return state?.sealed_by;
  }

  async noteSealed(by: string): Promise<void> {
    await databaseRetry(
      () => this.states.updateOne(ID, { $set: { sealed_by: by } }, { upsert: true }).exec(),
      RETRY,
    );
  }

  /** Something is sealed by another key again. */
  async noteUnsealed(): Promise<void> {
    await databaseRetry(
      () => this.states.updateOne(ID, { $unset: { sealed_by: '' } }).exec(),
      RETRY,
    );
  }

  /** False: somebody else may be changing the list of keys. */
  async beginChange(patienceMs: number): Promise<boolean> {
    const now = new Date();
    const free = { ...ID, $or: [{ changing_until: null }, { changing_until: { $lt: now } }] };
    const update = { $set: { changing_until: new Date(now.getTime() + patienceMs) } };
    try {
      const { matchedCount, upsertedCount } = await this.states
        .updateOne(free, update, { upsert: true })
        .exec();
      return matchedCount + upsertedCount > 0;
    } catch (error) {
      // The document is there, and not free: an upsert would make it once more.
      if (isDuplicateKey(error)) return false;
      throw error;
    }
  }

  async endChange(): Promise<void> {
    await databaseRetry(
      () => this.states.updateOne(ID, { $unset: { changing_until: '' } }).exec(),
      RETRY,
    );
  }
}
