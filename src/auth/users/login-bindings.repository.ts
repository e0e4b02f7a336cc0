import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { LOGIN_BINDING_MODEL, type LoginBindingDocument } from './login-binding.schema.js';

const RETRY = { deadlineMs: 5000 } as const;

/** The collection `login_bindings`. A binding is made once and never changed. */
@Injectable()
export class LoginBindings {
  constructor(
    @InjectModel(LOGIN_BINDING_MODEL) private readonly bindings: Model<LoginBindingDocument>,
  ) {}

  /** The id that a name belongs to; undefined: to none yet. */
  async holder(key: string): Promise<string | undefined> {
    return databaseRetry(async () => {
      const found = await this.bindings.findById(key).lean<LoginBindingDocument>().exec();
      return found?.remote_id;
    }, RETRY);
  }

  /** Gives the name to an id unless it has a holder; answers the holder. */
  async bind(key: string, remoteId: string): Promise<string> {
    return databaseRetry(async () => {
      try {
        await this.bindings.insertOne({ _id: key, remote_id: remoteId, created_at: new Date() });
        return remoteId;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        return (await this.holder(key)) ?? remoteId;
      }
    }, RETRY);
  }
}
