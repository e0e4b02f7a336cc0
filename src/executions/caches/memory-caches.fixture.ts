import type { Cache } from './cache.js';
import { CacheRecords } from './cache-records.js';

/** Records of caches, for tests of what works with them. */
export class MemoryCaches extends CacheRecords {
  readonly all = new Map<string, Cache>();

  async find(id: string): Promise<Cache | undefined> {
    return this.all.get(id);
  }
  async latest(pipelineId: string, scope: string, prefix: string): Promise<Cache | undefined> {
    return [...this.all.values()]
      .filter((cache) => cache.pipelineId === pipelineId && cache.scope === scope)
      .filter(({ key }) => key.startsWith(prefix))
      .sort((one, other) => other.createdAt.getTime() - one.createdAt.getTime())[0];
  }
  async insert(cache: Cache): Promise<boolean> {
    if (this.all.has(cache.id)) return false;
    this.all.set(cache.id, cache);
    return true;
  }
  async touch(id: string, usedAt: Date): Promise<void> {
    const cache = this.all.get(id);
    if (cache) this.all.set(id, { ...cache, usedAt });
  }
  async remove(id: string): Promise<void> {
    this.all.delete(id);
  }
  async leastUsed(pipelineId: string): Promise<Cache[]> {
    return [...this.all.values()]
      .filter((cache) => cache.pipelineId === pipelineId)
      .sort((one, other) => one.usedAt.getTime() - other.usedAt.getTime());
  }
}
