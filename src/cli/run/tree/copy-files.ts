import { constants } from 'node:fs';
import { chmod, copyFile, type FileHandle, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fewAtOnce } from '../../../common/async/few-at-once.js';
import { type LeftOutList, LeftOuts, reasonOrThrow } from '../../../common/tree/left-out.js';
import { TreeFolder } from '../../../common/tree/tree-folder.js';

const AT_ONCE = 16;
/** How often a file is read that is written to meanwhile. */
const TRIES = 3;
/** A clone of blocks where the file system has that; never over something. */
const COPY = constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE;

export interface CopyLimits {
  /** Of all files together. */
  readonly maxBytes: number;
  readonly maxFiles: number;
}

export interface Copied {
  readonly files: number;
  readonly bytes: number;
  /** Copied, but written to each time: their content may be of no moment. */
  readonly changing: LeftOutList;
}

/** The tree is larger than what is copied. */
export class TreeTooLarge extends Error {
  constructor(readonly what: 'bytes' | 'files') {
    super(`the tree has too many ${what}`);
  }
}

/** What is copied of a folder, by name: a file or link, or what is copied of a folder in it. */
type Names = Map<string, Names | undefined>;

/**
 * Copies files and links of a tree into an empty folder, while others may change the tree. No link
 * is followed: one becomes a link with the same text, and what would be behind one in the place of
 * a folder is not there. What is not there any more is no error. Of a mode only it is kept whether
 * a file can be run.
 *
 * @param paths relative to `from`, none of them with `..`
 * @param leftOut learns what could not be copied
 * @throws TreeTooLarge, an error of the disk, the reason of the signal
 */
export async function copyFiles(
  from: string,
  paths: Iterable<string>,
  to: string,
  limits: CopyLimits,
  leftOut: LeftOuts,
  signal: AbortSignal,
): Promise<Copied> {
  const top = await TreeFolder.open(from);
  try {
    const copy = new Copy(limits, leftOut, signal);
    await copy.folder(top, namesOf(paths), to, '');
    return { files: copy.files, bytes: copy.bytes, changing: copy.changing.list() };
  } finally {
    await top.close();
  }
}

function namesOf(paths: Iterable<string>): Names {
  const top: Names = new Map();
  for (const path of paths) {
    const names = path.split('/');
    const last = names.pop();
    if (last === undefined || [...names, last].some(isNoName)) continue;
    let at = top;
    for (const name of names) {
      const below: Names = at.get(name) ?? new Map<string, Names | undefined>();
      at.set(name, below);
      at = below;
    }
    // What is listed as both is decided by what is there.
    if (!at.has(last)) at.set(last, undefined);
  }
  return top;
}

function isNoName(name: string): boolean {
  return name === '' || name === '.' || name === '..' || name === '.git';
}

class Copy {
  files = 0;
  bytes = 0;
  readonly changing = new LeftOuts();

  constructor(
    private readonly limits: CopyLimits,
    private readonly leftOut: LeftOuts,
    private readonly signal: AbortSignal,
  ) {}

  /** Into a folder that is there. */
  async folder(from: TreeFolder, names: Names, to: string, path: string): Promise<void> {
    const folders: (readonly [string, Names])[] = [];
    await fewAtOnce(names, AT_ONCE, async ([name, below]) => {
      this.signal.throwIfAborted();
      if (below !== undefined) folders.push([name, below]);
      else await this.told(`${path}${name}`, () => this.entry(from, name, to, path));
    });
    for (const [name, below] of folders) {
      await this.told(`${path}${name}`, () => this.below(from, name, below, to, path));
    }
  }

  private async below(
    from: TreeFolder,
    name: string,
    names: Names,
    to: string,
    path: string,
  ): Promise<void> {
    let folder: TreeFolder;
    try {
      folder = await from.folder(name);
    } catch (error) {
      // A file or link has taken its place.
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!['ENOTDIR', 'ELOOP'].includes(code)) throw error;
      return await this.entry(from, name, to, path);
    }
    try {
      const target = join(to, name);
      await mkdir(target, { mode: 0o755 });
      await this.folder(folder, names, target, `${path}${name}/`);
    } finally {
      await folder.close();
    }
  }

  private async entry(from: TreeFolder, name: string, to: string, path: string): Promise<void> {
    const link = await linkOf(from, name);
    if (link !== undefined) {
      this.count(0);
      return await symlink(link, join(to, name));
    }
    const file = await from.file(name);
    try {
      await this.file(file, join(to, name), `${path}${name}`);
    } finally {
      await file.close();
    }
  }

  private async file(file: FileHandle, to: string, path: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const before = await file.stat();
      if (!before.isFile()) {
        // A folder in the place of a file has nothing that was listed.
        if (!before.isDirectory()) this.leftOut.add(path, 'special_file');
        return;
      }
      if (tries === 1) this.count(before.size);
      await copyFile(`/proc/self/fd/${file.fd}`, to, COPY);
      await chmod(to, (before.mode & 0o100) === 0 ? 0o644 : 0o755);
      const after = await file.stat();
      if (after.size === before.size && after.mtimeMs === before.mtimeMs) return;
      if (tries === TRIES) return this.changing.add(path, 'changing');
      await rm(to);
    }
  }

  private count(bytes: number): void {
    this.files += 1;
    this.bytes += bytes;
    if (this.files > this.limits.maxFiles) throw new TreeTooLarge('files');
    if (this.bytes > this.limits.maxBytes) throw new TreeTooLarge('bytes');
  }

  /** What is gone was there when it was listed: as if it had never been. */
  private async told(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof TreeTooLarge) throw error;
      const { code, syscall } = error as NodeJS.ErrnoException;
      if (code === undefined || ['mkdir', 'chmod', 'symlink'].includes(syscall ?? '')) throw error;
      const reason = reasonOrThrow(error);
      if (reason !== 'vanished') this.leftOut.add(path, reason);
    }
  }
}

/** Undefined: it is no link. */
async function linkOf(from: TreeFolder, name: string): Promise<Buffer | undefined> {
  try {
    return await from.link(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EINVAL') return undefined;
    throw error;
  }
}
