import type { Cache } from './cache.js';
import { ListedCaches } from './listed-caches.js';

/** Records of caches in memory. */
export class MemoryCaches extends ListedCaches {
  readonly all = new Map<string, Cache>();

  async find(id: string): Promise<Cache | undefined> {
    return this.all.get(id);
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
  async remove({ id, objectKey }: Pick<Cache, 'id' | 'objectKey'>): Promise<void> {
    if (this.all.get(id)?.objectKey === objectKey) this.all.delete(id);
  }
  protected async list(): Promise<readonly Cache[]> {
    return [...this.all.values()];
  }
}
