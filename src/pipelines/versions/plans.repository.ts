import { Injectable } from '@nestjs/common';
import { InjectModel } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { isDuplicateKey } from '../../integrations/database/database-errors.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { Keyring } from '../../secrets/encryption/keyring.js';
import { openJson, sealJson } from '../../secrets/encryption/sealed-json.js';
import { requestRetry } from './pipelines.limits.js';
import { PLAN_MODEL, type PlanDocument } from './plan.schema.js';

/** The collection `plans`: immutable, by hash. The plans lie there sealed. */
@Injectable()
export class PlansRepository {
  constructor(
    @InjectModel(PLAN_MODEL) private readonly plans: Model<PlanDocument>,
    private readonly keyring: Keyring,
  ) {}

  /** Idempotent: the same hash is the same plan. */
  async insert(plan: PlanDocument): Promise<void> {
    const sealed = sealedPlan(this.keyring, plan);
    await databaseRetry(async () => {
      try {
        await this.plans.insertOne(sealed);
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    }, requestRetry);
  }

  /** @throws MissingKeyError, BrokenSealError */
  async find(hash: string): Promise<PlanDocument | undefined> {
    const found = await databaseRetry(
      () => this.plans.findById(hash).lean<PlanDocument>().exec(),
      requestRetry,
    );
    if (!found || isClear(found.plan)) return found ?? undefined;
    return { ...found, plan: openJson(this.keyring, found.plan, planContext(hash)) };
  }
}

/** As it is stored. */
export function sealedPlan<T extends Pick<PlanDocument, '_id' | 'plan'>>(
  keyring: Keyring,
  plan: T,
): T {
  return { ...plan, plan: sealJson(keyring, plan.plan, planContext(plan._id)) };
}

/** Older versions have stored the JSON text itself. */
export function isClear(plan: string): boolean {
  return plan.startsWith('{');
}

export function planContext(hash: string): string {
  return `plans:${hash}:plan`;
}
