import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../integrations/database/database-errors.js';
import { databaseRetry } from '../integrations/database/database-retry.js';
import type { Environment } from './environment.js';
import { EnvironmentStore } from './environment-store.js';
import { ENVIRONMENT_MODEL } from './environment.schema.js';

/** A call waits for the database no longer than this, ms. */
const RETRY = { deadlineMs: 10_000 } as const;

/** The collection `environments`. */
@Injectable()
export class EnvironmentsRepository extends EnvironmentStore {
  constructor(@InjectModel(ENVIRONMENT_MODEL) private readonly environments: Model<Environment>) {
    super();
  }

  async find(name: string): Promise<Environment | undefined> {
    return (await this.environments.findById(name).lean<Environment | null>()) ?? undefined;
  }

  async list(): Promise<readonly Environment[]> {
    return this.environments.find().sort({ _id: 1 }).lean<Environment[]>();
  }

  async put(environment: Environment): Promise<Environment> {
    const { _id, created_at, ...rest } = environment;
    return databaseRetry(async () => {
      for (;;) {
        const after = { returnDocument: 'after' } as const;
        const changed = await this.environments
          .findOneAndUpdate({ _id }, { $set: rest }, after)
          .lean<Environment | null>();
        if (changed !== null) return changed;
        try {
          await this.environments.insertOne({ _id, created_at, ...rest });
          return environment;
        } catch (error) {
          // Somebody else has configured it at this moment: then it is changed.
          if (!isDuplicateKey(error)) throw error;
        }
      }
    }, RETRY);
  }

  async remove(name: string): Promise<boolean> {
    const { deletedCount } = await databaseRetry(
      () => this.environments.deleteOne({ _id: name }),
      RETRY,
    );
    return deletedCount === 1;
  }
}
