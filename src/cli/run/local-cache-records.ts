import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, readFile, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateFile, replacePrivateFile } from '../../common/private-file.js';
import type { Cache } from '../../executions/caches/cache.js';
import { ListedCaches } from '../../executions/caches/listed-caches.js';

const ENDING = '.json';
/** So old is a file only that a killed process has left half written, ms. */
const LEFT_MS = 3_600_000;

/**
 * Records of caches in a folder, a file for each: parallel steps and other runs of the same user
 * change what is theirs, and nothing else. A file that cannot be read is no record, and is told.
 *
 * Two processes that change the same record at the same moment may leave that of an archive that is
 * gone, or none of one that is there; both are removed later, as those of killed processes are.
 */
export class LocalCacheRecords extends ListedCaches {
  /** @param folder made with the first record */
  constructor(
    private readonly folder: string,
    private readonly report: (problem: string) => void,
  ) {
    super();
  }

  async find(id: string): Promise<Cache | undefined> {
    return this.read(this.pathOf(id));
  }

  async insert(cache: Cache): Promise<boolean> {
    const path = this.pathOf(cache.id);
    // One that cannot be read is in the way of nothing.
    await this.read(path);
    const { text } = makePrivateFile(path, JSON.stringify(cache));
    return cacheIn(text)?.objectKey === cache.objectKey;
  }

  async touch(id: string, usedAt: Date): Promise<void> {
    const path = this.pathOf(id);
    // Between the two nothing else of this process happens.
    const cache = cacheIn(orNone(() => readFileSync(path, 'utf8')) ?? '');
    if (cache) replacePrivateFile(path, JSON.stringify({ ...cache, usedAt }));
  }

  async remove({ id, objectKey }: Pick<Cache, 'id' | 'objectKey'>): Promise<void> {
    const path = this.pathOf(id);
    if ((await this.read(path))?.objectKey === objectKey) await rm(path, { force: true });
  }

  /** Removes what killed processes have left half written. */
  async removeLeft(now: Date): Promise<void> {
    for (const name of await this.names()) {
      if (name.endsWith(ENDING)) continue;
      const path = join(this.folder, name);
      const made = await stat(path).catch(absent);
      if (made && made.mtimeMs < now.getTime() - LEFT_MS) await rm(path, { force: true });
    }
  }

  protected async list(): Promise<readonly Cache[]> {
    const all: Cache[] = [];
    for (const name of await this.names()) {
      if (!name.endsWith(ENDING)) continue;
      const cache = await this.read(join(this.folder, name));
      if (cache) all.push(cache);
    }
    return all;
  }

  private async names(): Promise<readonly string[]> {
    return (await readdir(this.folder).catch(absent)) ?? [];
  }

  private async read(path: string): Promise<Cache | undefined> {
    const text = await readFile(path, 'utf8').catch(absent);
    if (text === undefined) return undefined;
    const cache = cacheIn(text);
    if (cache) return cache;
    this.report(`the record of a cache cannot be read and is removed: ${path}`);
    await unlink(path).catch(absent);
    return undefined;
  }

  private pathOf(id: string): string {
    const name = createHash('sha256').update(id).digest('hex');
    return join(this.folder, `${name}${ENDING}`);
  }
}

const TEXTS = [
  ...(['id', 'pipelineId', 'scope', 'paths', 'key', 'digest'] as const),
  ...(['objectKey', 'executionId', 'createdAt', 'usedAt'] as const),
] as const;

/** As JSON has it. */
type Row = Record<(typeof TEXTS)[number], string> & { readonly size: number };

/** Undefined: it is no record, or a broken one. */
function cacheIn(text: string): Cache | undefined {
  let row: Partial<Row> | null;
  try {
    row = JSON.parse(text) as Partial<Row> | null;
  } catch {
    return undefined;
  }
  if (!isRow(row)) return undefined;
  const [createdAt, usedAt] = [new Date(row.createdAt), new Date(row.usedAt)];
  const areDates = [createdAt, usedAt].every((date) => !Number.isNaN(date.getTime()));
  return areDates ? { ...row, createdAt, usedAt } : undefined;
}

function isRow(row: Partial<Row> | null): row is Row {
  if (typeof row !== 'object' || row === null || typeof row.size !== 'number') return false;
  return TEXTS.every((name) => typeof row[name] === 'string');
}

function orNone<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    return absent(error as NodeJS.ErrnoException);
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
