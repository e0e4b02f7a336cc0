import { type Cache, type CacheShare, shareOf } from './cache.js';
import { type CacheFamily, CacheRecords } from './cache-records.js';

/** Records of so few caches that all of them can be looked at for each question. */
export abstract class ListedCaches extends CacheRecords {
  /** All there are, in any order. */
  protected abstract list(): Promise<readonly Cache[]>;

  async latest(family: CacheFamily, prefix: string): Promise<Cache | undefined> {
    const { pipelineId, scope, paths } = family;
    return (await this.list())
      .filter((one) => one.pipelineId === pipelineId && one.scope === scope && one.paths === paths)
      .filter(({ key }) => key.startsWith(prefix))
      .sort((one, other) => other.createdAt.getTime() - one.createdAt.getTime())[0];
  }

  async unused(since: Date, limit: number): Promise<readonly Cache[]> {
    return byUse((await this.list()).filter(({ usedAt }) => usedAt < since)).slice(0, limit);
  }

  async objectsOf(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const all = new Set((await this.list()).map(({ objectKey }) => objectKey));
    return new Set(keys.filter((key) => all.has(key)));
  }

  async bytesOf(pipelineId: string, share: CacheShare): Promise<number> {
    return (await this.ofShare(pipelineId, share)).reduce((sum, { size }) => sum + size, 0);
  }

  async leastUsed(pipelineId: string, share: CacheShare, limit: number): Promise<readonly Cache[]> {
    return byUse(await this.ofShare(pipelineId, share)).slice(0, limit);
  }

  private async ofShare(pipelineId: string, share: CacheShare): Promise<readonly Cache[]> {
    return (await this.list()).filter(
      (cache) => cache.pipelineId === pipelineId && shareOf(cache.scope) === share,
    );
  }
}

function byUse(caches: readonly Cache[]): Cache[] {
  return [...caches].sort((one, other) => one.usedAt.getTime() - other.usedAt.getTime());
}
