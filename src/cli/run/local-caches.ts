import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultCache } from '../../config/paths.js';
import type { Cache } from '../../executions/caches/cache.js';
import { CacheRecords } from '../../executions/caches/cache-records.js';
import { CacheStore } from '../../executions/caches/cache-store.js';
import { diskObjectStore } from '../../integrations/object-store/disk/disk-object-store.js';

const DAY_MS = 86_400_000;

/** As JSON has it. */
type Row = Omit<Cache, 'createdAt' | 'usedAt'> & {
  readonly createdAt: string;
  readonly usedAt: string;
};

/**
 * Caches of runs without a server, in a folder of the user: a list in one file, which is replaced
 * whole. Of two runs that save at once one may forget what the other has saved; nothing is broken
 * by it.
 */
export class LocalCaches extends CacheRecords {
  private constructor(private readonly folder: string) {
    super();
  }

  /**
   * What was not used for long goes first.
   *
   * @param maxBytes of the caches of one pipeline
   */
  static async make(maxBytes: number, days: number): Promise<CacheStore> {
    const folder = join(defaultCache(), 'run-caches');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const store = new CacheStore(diskObjectStore(folder), new LocalCaches(folder), maxBytes);
    await store.sweep(new Date(Date.now() - days * DAY_MS));
    return store;
  }

  async find(id: string): Promise<Cache | undefined> {
    return (await this.read()).find((cache) => cache.id === id);
  }

  async latest(pipelineId: string, scope: string, prefix: string): Promise<Cache | undefined> {
    return (await this.read())
      .filter((cache) => cache.pipelineId === pipelineId && cache.scope === scope)
      .filter(({ key }) => key.startsWith(prefix))
      .sort((one, other) => other.createdAt.getTime() - one.createdAt.getTime())[0];
  }

  async insert(cache: Cache): Promise<boolean> {
    const all = await this.read();
    if (all.some(({ id }) => id === cache.id)) return false;
    await this.write([...all, cache]);
    return true;
  }

  async touch(id: string, usedAt: Date): Promise<void> {
    const all = await this.read();
    await this.write(all.map((cache) => (cache.id === id ? { ...cache, usedAt } : cache)));
  }

  async unused(since: Date, limit: number): Promise<readonly Cache[]> {
    return (await this.read()).filter(({ usedAt }) => usedAt < since).slice(0, limit);
  }

  async objectsOf(keys: readonly string[]): Promise<ReadonlySet<string>> {
    const all = new Set((await this.read()).map(({ objectKey }) => objectKey));
    return new Set(keys.filter((key) => all.has(key)));
  }

  async remove(id: string): Promise<void> {
    await this.write((await this.read()).filter((cache) => cache.id !== id));
  }

  async leastUsed(pipelineId: string): Promise<readonly Cache[]> {
    return (await this.read())
      .filter((cache) => cache.pipelineId === pipelineId)
      .sort((one, other) => one.usedAt.getTime() - other.usedAt.getTime());
  }

  private async read(): Promise<Cache[]> {
    const text = await readFile(join(this.folder, 'list.json'), 'utf8').catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '[]';
        throw error;
      },
    );
    return (JSON.parse(text) as Row[]).map((row) => ({
      ...row,
      createdAt: new Date(row.createdAt),
      usedAt: new Date(row.usedAt),
    }));
  }

  private async write(caches: readonly Cache[]): Promise<void> {
    const path = join(this.folder, 'list.json');
    const fresh = `${path}.${process.pid}`;
    await writeFile(fresh, JSON.stringify(caches));
    await rename(fresh, path);
  }
}
