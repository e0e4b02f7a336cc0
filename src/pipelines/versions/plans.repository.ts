import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { requestRetry } from './pipelines.limits.js';
import { PLAN_MODEL, type PlanDocument } from './plan.schema.js';

/** The collection `plans`: immutable, by hash. */
@Injectable()
export class PlansRepository {
  constructor(@InjectModel(PLAN_MODEL) private readonly plans: Model<PlanDocument>) {}

  /** Idempotent: the same hash is the same plan. */
  async insert(plan: PlanDocument): Promise<void> {
    await databaseRetry(async () => {
      try {
        await this.plans.insertOne(plan);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }, requestRetry);
  }

  async find(hash: string): Promise<PlanDocument | undefined> {
    const found = await databaseRetry(
      () => this.plans.findById(hash).lean<PlanDocument>().exec(),
      requestRetry,
    );
    return found ?? undefined;
  }
}
