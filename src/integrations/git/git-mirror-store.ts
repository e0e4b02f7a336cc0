import { createHash } from 'node:crypto';
import {
  chmod,
  constants,
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ValidClone } from './clone-request.js';
import {
  type MirrorEntry,
  type MirrorRecord,
  readMirrorEntries,
  readMirrorEntry,
  RECORD_VERSION,
} from './git-mirror-entry.js';
import {
  isLeft,
  makeMarkedFolder,
  removeFolder,
  removeLeftFolders,
} from '../../common/child-process/marked-folders.js';
import { isProcessMark, ownProcessMark } from '../../common/child-process/process-mark.js';

export interface GitMirrorSettings {
  /**
   * Absolute; made when absent. All processes of a machine may share it. Closed to other users
   * (0700).
   */
  readonly folder: string;
  /** What all mirrors may take, bytes; the least recently used go first. */
  readonly maxBytes: number;
  /** Since the last use. */
  readonly maxAgeMs: number;
  /**
   * How a clone gets its packs. `hard-link` only where no step can change a read-only file of ours:
   * then it cannot change the mirror through them, either. `copy`
   * shares the blocks where the file system can.
   */
  readonly share: 'hard-link' | 'copy';
  /**
   * For how long a commit that the remote gave is not asked for again by the same credentials, ms.
   * Default 60,000: the checkout that follows a push's decision.
   */
  readonly givenMs?: number;
  /** How often new entries have the old ones looked at, ms. Default 10,000. */
  readonly evictEveryMs?: number;
}

/** A mirror cannot be read: it is to be thrown away. */
export class BrokenMirrorError extends Error {}

const REPOSITORIES = 'repositories';
const STAGE = 'stage';
const RECORD = 'entry.json';
const LOCK = 'lock';
const EVICT_EVERY_MS = 10_000;
const GIVEN = 'given';
const GIVEN_MS = 60_000;
/** More of one repository are hardly of use: branches that are worked on. */
const MAX_ENTRIES = 24;
const LOCK_LOOK_MS = 50;

/**
 * Packs of cloned repositories on this machine. A mirror is a set of entries; an entry is a folder
 * with the packs of what a remote once gave, and what that was. An entry never changes: it is made
 * in a private folder, renamed into place when it is whole, and renamed away before it is removed.
 * So any process may be killed at any time, and none waits for another to read. Safe for any number
 * of processes at once.
 */
export class GitMirrorStore {
  private evictedAt = -Infinity;
  private later: NodeJS.Timeout | undefined;
  private evicting: Promise<void> = Promise.resolve();

  constructor(private readonly settings: GitMirrorSettings) {}

  /**
   * A private folder on the disk of the mirrors, for one clone. To be removed by `discard`, or when
   * this process is dead by anyone.
   */
  async stage(): Promise<string> {
    return makeMarkedFolder(join(this.settings.folder, STAGE));
  }

  async discard(folder: string): Promise<void> {
    await removeFolder(folder);
  }

  /**
   * Entries of a repository, the last used first. Broken ones are thrown away, so that they can be
   * made again.
   */
  async entries(url: string, progress?: Progress): Promise<readonly MirrorEntry[]> {
    const entries = await readMirrorEntries(this.repository(url));
    const broken = entries.filter(({ record }) => record.files.length === 0);
    for (const entry of broken) await this.drop(entry);
    if (broken.length > 0) {
      progress?.('A part of the local mirror of this repository is damaged: it is made again');
    }
    return entries
      .filter(({ record }) => record.files.length > 0)
      .sort((a, b) => b.usedAt - a.usedAt);
  }

  /** Ends what was to be done later. Clones under way continue. Idempotent. */
  async close(): Promise<void> {
    clearTimeout(this.later);
    this.later = undefined;
    await this.evicting;
  }

  /** The entry of one scope, if it is there and not broken. */
  async entry(url: string, scope: string): Promise<MirrorEntry | undefined> {
    const entry = await readMirrorEntry(join(this.repository(url), scope));
    return entry.record.files.length > 0 ? entry : undefined;
  }

  /**
   * Puts the packs of an entry into a `.git`, and its shallow commits.
   * @throws BrokenMirrorError when a file is missing, has another size, or a pack and its index do
   *   not belong together
   */
  async take(entry: MirrorEntry, gitdir: string): Promise<void> {
    const packs = join(gitdir, 'objects', 'pack');
    try {
      for (const { name, bytes } of entry.record.files) {
        const to = join(packs, name);
        await this.place(join(entry.folder, name), to);
        if ((await stat(to)).size !== bytes) throw new BrokenMirrorError(`${name} is cut`);
      }
      for (const { name } of entry.record.files) {
        if (name.endsWith('.pack')) await checkPair(join(packs, name));
      }
      const { shallow } = entry.record;
      if (shallow.length > 0) await writeFile(join(gitdir, 'shallow'), shallow.map(line).join(''));
      const now = new Date();
      await utimes(join(entry.folder, RECORD), now, now);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new BrokenMirrorError('a file is missing');
    }
  }

  /**
   * Makes an entry of what is in a `.git` below a stage. Nothing happens when it is there already
   * or larger than all mirrors may be.
   */
  async publish(
    url: string,
    gitdir: string,
    made: Pick<MirrorRecord, 'scope' | 'depth' | 'tips' | 'ref'>,
  ): Promise<void> {
    const target = join(this.repository(url), made.scope);
    if (await exists(target)) return;
    const packs = join(gitdir, 'objects', 'pack');
    const names = (await readdir(packs)).filter((name) => /^pack-.*\.(?:pack|idx)$/.test(name));
    const files = await Promise.all(
      names.map(async (name) => ({ name, bytes: (await stat(join(packs, name))).size })),
    );
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    if (names.length === 0 || bytes > this.settings.maxBytes) return;
    const shallow = await readFile(join(gitdir, 'shallow'), 'latin1').catch(absentAsEmpty);
    const record: MirrorRecord = {
      version: RECORD_VERSION,
      ...made,
      shallow: shallow.split('\n').filter((sha) => sha !== ''),
      files,
    };
    const folder = await this.stage();
    try {
      for (const { name } of files) {
        // A pack that came from an entry shares its file with it already where files are shared at
        // all.
        await chmod(join(packs, name), 0o444);
        await this.place(join(packs, name), join(folder, name));
      }
      await writeFile(join(folder, RECORD), JSON.stringify(record), { mode: 0o600 });
      await this.moveIn(folder, target);
    } finally {
      await this.discard(folder);
    }
    await this.evictNowAndThen();
  }

  /** The remote gave a commit to these credentials just now. */
  async noteGiven(to: Asker, sha: string): Promise<void> {
    const path = this.givenPath(to, sha);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, '', { mode: 0o600 });
  }

  /** Whether it did, within the time that this counts for. */
  async wasGiven(to: Asker, sha: string): Promise<boolean> {
    const { givenMs = GIVEN_MS } = this.settings;
    const { mtimeMs } = (await stat(this.givenPath(to, sha)).catch(absentAsUndefined)) ?? {};
    return mtimeMs !== undefined && Math.abs(Date.now() - mtimeMs) < givenMs;
  }

  /** Throws away one entry. Clones that were made of it stay whole. */
  async drop(entry: MirrorEntry): Promise<void> {
    const trash = await this.stage();
    try {
      await rename(entry.folder, join(trash, 'entry'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    } finally {
      await this.discard(trash);
    }
  }

  /** Looking through all mirrors is not for every clone: for those that come soon, one later. */
  private async evictNowAndThen(): Promise<void> {
    const { evictEveryMs = EVICT_EVERY_MS } = this.settings;
    const waitMs = this.evictedAt + evictEveryMs - performance.now();
    if (waitMs <= 0) {
      this.evictedAt = performance.now();
      return this.evict();
    }
    this.later ??= setTimeout(() => {
      this.later = undefined;
      this.evictedAt = performance.now();
      // The hourly sweep meets the same failure, and reports it.
      this.evicting = this.evict().catch(() => undefined);
    }, waitMs).unref();
  }

  /** Throws away all that is over the age, the number or the size, and what dead processes left. */
  async evict(maxBytes = this.settings.maxBytes): Promise<void> {
    await removeLeftFolders(join(this.settings.folder, STAGE));
    await this.removeOldGiven();
    const root = join(this.settings.folder, REPOSITORIES);
    const oldest = Date.now() - this.settings.maxAgeMs;
    const kept: MirrorEntry[] = [];
    for (const name of await readdir(root).catch(absentAsNone)) {
      const entries = await readMirrorEntries(join(root, name));
      const ordered = [...entries].sort((a, b) => b.usedAt - a.usedAt);
      for (const [index, entry] of ordered.entries()) {
        if (entry.usedAt < oldest || index >= MAX_ENTRIES) await this.drop(entry);
        else kept.push(entry);
      }
    }
    kept.sort((a, b) => b.usedAt - a.usedAt);
    let total = 0;
    const seen = new Set<string>();
    for (const entry of kept) {
      for (const file of entry.inodes) {
        // Entries of one repository share packs.
        if (!seen.has(file.id)) total += file.bytes;
        seen.add(file.id);
      }
      if (total > maxBytes) await this.drop(entry);
    }
  }

  /**
   * Waits until no other process fetches this repository for the first time, at most `maxMs`. It
   * only saves the remote ten equal fetches: without it all is right as well. Returns what gives
   * the turn to the next one.
   */
  async turn(
    url: string,
    maxMs: number,
    { signal, progress, stage }: TurnOptions = {},
  ): Promise<() => Promise<void>> {
    const path = join(this.repository(url), LOCK);
    const giveUpAt = performance.now() + maxMs;
    while (performance.now() < giveUpAt) {
      if (await this.tryLock(path, stage, progress))
        return () => unlink(path).catch(() => undefined);
      await sleep(LOCK_LOOK_MS, undefined, { signal });
    }
    return () => Promise.resolve();
  }

  private async tryLock(path: string, given?: string, progress?: Progress): Promise<boolean> {
    await mkdir(this.repositoryOf(path), { recursive: true, mode: 0o700 });
    const stage = given ?? (await this.stage());
    // By a link the lock appears with its content, or not at all.
    const mine = join(stage, LOCK);
    try {
      await writeFile(mine, ownProcessMark());
      await link(mine, path);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return false;
      if (code !== 'EEXIST') throw error;
    } finally {
      if (given === undefined) await this.discard(stage);
      else await rm(mine, { force: true });
    }
    if (await isStrayLock(path)) {
      progress?.('The local mirror of this repository had a stray lock: it is removed');
      await rm(path, { recursive: true, force: true });
    }
    return false;
  }

  private repositoryOf(lock: string): string {
    return lock.slice(0, -LOCK.length - 1);
  }

  private repository(url: string): string {
    const name = createHash('sha256').update(url).digest('hex').slice(0, 40);
    return join(this.settings.folder, REPOSITORIES, name);
  }

  private async place(from: string, to: string): Promise<void> {
    if (this.settings.share === 'hard-link') {
      try {
        return await link(from, to);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // Another disk, or a file with as many links as the file system takes.
        if (code !== 'EXDEV' && code !== 'EMLINK' && code !== 'EPERM') throw error;
      }
    }
    await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  }

  private async moveIn(folder: string, to: string): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await mkdir(join(to, '..'), { recursive: true, mode: 0o700 });
        return await rename(folder, to);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOTEMPTY' || code === 'EEXIST') return;
        if (code !== 'ENOENT' || tries === 2) throw error;
      }
    }
  }

  private async removeOldGiven(): Promise<void> {
    const { givenMs = GIVEN_MS } = this.settings;
    const folder = join(this.settings.folder, GIVEN);
    for (const name of await readdir(folder).catch(absentAsNone)) {
      const path = join(folder, name);
      const { mtimeMs } = (await stat(path).catch(absentAsUndefined)) ?? {};
      if (mtimeMs === undefined || mtimeMs < Date.now() - givenMs) await rm(path, { force: true });
    }
  }

  /** Its name holds neither URL nor credentials, but what only they make. */
  private givenPath({ url, credentials, ssh }: Asker, sha: string): string {
    const { username, password } = credentials ?? {};
    const asked = JSON.stringify([url, username, password, ssh?.key, ssh?.knownHosts, sha]);
    return join(this.settings.folder, GIVEN, createHash('sha256').update(asked).digest('hex'));
  }
}

type Progress = (line: string) => void;

export interface TurnOptions {
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** A stage of the one who waits; absent: one is made. */
  readonly stage?: string;
}

/** Who asks a remote. */
type Asker = Pick<ValidClone, 'url' | 'credentials' | 'ssh'>;

/** Of a process that is dead, or none that a process of ours ever made. */
async function isStrayLock(path: string): Promise<boolean> {
  const mark = await readFile(path, 'latin1').catch((error: NodeJS.ErrnoException) =>
    // It is gone, or of no use to anybody.
    error.code === 'ENOENT' ? undefined : '',
  );
  if (mark === undefined) return false;
  return !isProcessMark(mark) || isLeft(path, mark);
}

/**
 * The last 20 bytes of a pack are its checksum; its index holds the same 20 before its own last 20.
 */
async function checkPair(pack: string): Promise<void> {
  const ends = [
    await readEnd(pack, 20, 20),
    await readEnd(pack.replace(/\.pack$/, '.idx'), 40, 20),
  ];
  if (!ends[0]?.equals(ends[1] ?? Buffer.alloc(0))) {
    throw new BrokenMirrorError('a pack does not belong to its index');
  }
}

async function readEnd(path: string, fromEnd: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { buffer } = await file.read(
      Buffer.alloc(length),
      0,
      length,
      Math.max(0, size - fromEnd),
    );
    return buffer;
  } finally {
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function line(text: string): string {
  return `${text}\n`;
}

function absentAsEmpty(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}

function absentAsUndefined(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

function absentAsNone(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
