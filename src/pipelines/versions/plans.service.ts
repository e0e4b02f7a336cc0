import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { Plan } from '../../engine/plan/plan.js';
import { PlansRepository } from './plans.repository.js';

/** Characters of JSON that the plans in the cache of one process may have together. */
const CACHE_CHARACTERS = 32 * 1024 * 1024;

/**
 * Plans by their hash. They never change and outlive their pipelines, because executions name them.
 */
@Injectable()
export class PlansService {
  private readonly cache = new LRUCache<string, Plan>({ maxSize: CACHE_CHARACTERS });

  constructor(private readonly plans: PlansRepository) {}

  /** Idempotent. */
  async save(hash: string, plan: Plan): Promise<void> {
    if (this.cache.get(hash)) return;
    const text = JSON.stringify(plan);
    await this.plans.insert({ _id: hash, plan: text, created_at: new Date() });
    this.cache.set(hash, plan, { size: text.length });
  }

  /** @throws Error when it is not stored: nothing names a plan before it is */
  async get(hash: string): Promise<Plan> {
    const cached = this.cache.get(hash);
    if (cached) return cached;
    const document = await this.plans.find(hash);
    if (!document) throw new Error(`plan ${hash} is not stored`);
    const plan = JSON.parse(document.plan) as Plan;
    this.cache.set(hash, plan, { size: document.plan.length });
    return plan;
  }
}
