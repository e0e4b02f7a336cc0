import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Entries of another version are of no use. */
export const RECORD_VERSION = 2;

/** What an entry of a mirror says of itself (`entry.json`). */
export interface MirrorRecord {
  readonly version: typeof RECORD_VERSION;
  /** Name of its folder: `<sha>-<depth>`, or `all-<digest of all refs>`. */
  readonly scope: string;
  /** 0 = all of the history. */
  readonly depth: number;
  /** Everything in it is what these SHAs reach, down to the shallow ones. */
  readonly tips: readonly string[];
  /** What it was fetched for, such as `refs/heads/main`; `all` for all branches and tags. */
  readonly ref?: string;
  readonly shallow: readonly string[];
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

export interface MirrorEntry {
  readonly folder: string;
  readonly record: MirrorRecord;
  /** ms since the epoch. */
  readonly usedAt: number;
  /** What its files take on disk; `id` is the same for files that two entries share. */
  readonly inodes: readonly { readonly id: string; readonly bytes: number }[];
}

/**
 * Reads the entries of one repository. What cannot be read or is no entry of this version is left
 * out, and removed by nobody but age.
 */
export async function readMirrorEntries(repository: string): Promise<readonly MirrorEntry[]> {
  const names = await readdir(repository).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return Promise.all(
    names.filter((name) => name !== 'lock').map((name) => readMirrorEntry(join(repository, name))),
  );
}

/**
 * The entry in a folder. A record that is not whole, or not there, makes an entry without files,
 * which any use finds broken.
 */
export async function readMirrorEntry(folder: string): Promise<MirrorEntry> {
  try {
    const path = join(folder, 'entry.json');
    const record = parseRecord(await readFile(path, 'utf8'));
    const { mtimeMs: usedAt } = await stat(path);
    const inodes = await Promise.all(
      record.files.map(async ({ name }) => {
        const { dev, ino, size } = await stat(join(folder, name));
        return { id: `${dev}.${ino}`, bytes: size };
      }),
    );
    return { folder, record, usedAt, inodes };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Removed by another process just now, or broken: an entry of no use and of age 0, so that
    // eviction takes it.
    if (code !== undefined && code !== 'ENOENT') throw error;
    return { folder, record: noRecord, usedAt: 0, inodes: [] };
  }
}

const noRecord: MirrorRecord = {
  version: RECORD_VERSION,
  scope: '',
  depth: 0,
  tips: [],
  shallow: [],
  files: [],
};

function parseRecord(text: string): MirrorRecord {
  let record: Partial<MirrorRecord> | null;
  try {
    record = JSON.parse(text) as Partial<MirrorRecord> | null;
  } catch {
    return noRecord;
  }
  const { version, scope, depth, tips, shallow, files } = record ?? {};
  const isWhole =
    version === RECORD_VERSION &&
    typeof scope === 'string' &&
    typeof depth === 'number' &&
    isTexts(tips) &&
    isTexts(shallow) &&
    Array.isArray(files) &&
    files.length > 0 &&
    files.every(isFile);
  return isWhole ? (record as MirrorRecord) : noRecord;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => /^[0-9a-f]{40}$/.test(String(item)));
}

function isFile(value: unknown): boolean {
  const { name, bytes } = value as { readonly name?: unknown; readonly bytes?: unknown };
  return /^pack-[0-9a-f]+\.(?:pack|idx)$/.test(String(name)) && typeof bytes === 'number';
}
