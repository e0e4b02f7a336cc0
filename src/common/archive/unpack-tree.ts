import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { link, lstat, mkdir, open, readlink, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { chmod } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { TreeFolder } from '../tree/tree-folder.js';
import { ArchiveError, type ArchiveErrorCode } from './archive-error.js';
import { shownName } from './entry-name.js';
import { type Found, linkEnd } from './link-end.js';
import {
  type ArchiveEntry,
  readEntries,
  type ReadEntry,
  type ReadOptions,
} from './read-entries.js';

export interface UnpackOptions extends ReadOptions {
  /**
   * Links that stay inside, but to what is not in the archive: `refuse` is for archives that others
   * made; `keep` for those of `packTree`, whose tree had more than was packed.
   */
  readonly missingTargets?: 'refuse' | 'keep';
}

export interface Unpacked {
  readonly entries: number;
  /** Of all files together. */
  readonly bytes: number;
}

/** With it begins the name of a folder that is filled; after a `kill -9` it is left. */
export const UNPACKING = '.unpack-';
/** Names and targets of all links together: they are made last, and kept until then. */
const MAX_LINK_BYTES = 2 ** 25;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Unpacks an archive that anybody may have made, all or nothing: into a new folder beside `target`,
 * which only this process can enter, and which is moved to `target` at the end. There must be
 * nothing there, or an empty folder. The folder that holds both must be one that no stranger can
 * exchange.
 *
 * Nothing is written outside and no link is followed. Files get their rwx and time of change,
 * folders their rwx and always all of it for the owner; everything belongs to this process.
 * @throws ArchiveError, the reason of the signal, or an error of the stream or the disk: then
 *   nothing is left behind
 */
export async function unpackTree(
  stream: Readable,
  target: string,
  options: UnpackOptions,
): Promise<Unpacked> {
  const around = await TreeFolder.open(dirname(target));
  const name = `${UNPACKING}${randomUUID()}`;
  try {
    await mkdir(around.pathOf(name), { mode: 0o700 });
    const top = await around.folder(name);
    let isMoved = false;
    try {
      const unpacked = await new TreeUnpacking(top, options).unpack(stream);
      await chmod(top.pathOf('.'), 0o755);
      await move(around, name, basename(target));
      isMoved = true;
      return unpacked;
    } finally {
      try {
        if (!isMoved) await removeFolder(around, name, top);
      } finally {
        await top.close();
      }
    }
  } finally {
    stream.destroy();
    await around.close();
  }
}

async function move(around: TreeFolder, name: string, target: string): Promise<void> {
  try {
    await rename(around.pathOf(name), around.pathOf(target));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
    const message = 'There is something in the place of the tree already.';
    throw new ArchiveError('target_exists', message, { cause: error });
  }
}

async function removeFolder(around: TreeFolder, name: string, top: TreeFolder): Promise<void> {
  const entries = (await top.entries(Infinity)) ?? [];
  for (const entry of entries) {
    await rm(top.pathOf(entry.name.toString()), { recursive: true, force: true });
  }
  await rmdir(around.pathOf(name));
}

/** Fills a folder that nobody else can enter, so that what it has made stays as it is. */
class TreeUnpacking {
  /** Made last, so that none is there that an entry could be written through. */
  private readonly links = new Map<string, string>();
  private linkBytes = 0;
  private entries = 0;
  private bytes = 0;
  /** The names of the last folder that was made, which are all folders. */
  private lastFolder: readonly string[] = [];

  constructor(
    private readonly top: TreeFolder,
    private readonly options: UnpackOptions,
  ) {}

  async unpack(stream: Readable): Promise<Unpacked> {
    for await (const read of readEntries(stream, this.options)) {
      this.entries += 1;
      await this.add(read).catch((error: unknown) => {
        throw nameProblem(error, read.entry.path);
      });
    }
    for (const [path, target] of this.links) await symlink(target, this.top.pathOf(path));
    for (const [path, target] of this.links) await this.checkLink(path, target);
    return { entries: this.entries, bytes: this.bytes };
  }

  private async add({ entry, content }: ReadEntry): Promise<void> {
    const { path, kind } = entry;
    if (path === '') return;
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    await this.makeFolders(parent);
    if (this.links.has(path)) throw refused('duplicate', 'two entries of one name', path);
    if (kind === 'folder') await this.addFolder(path, entry.mode);
    else if (kind === 'file') await this.addFile(entry, content);
    else if (kind === 'hard_link') await this.addHardLink(path, entry.target);
    else await this.addLink(path, entry.target);
  }

  private async addFolder(path: string, mode: number): Promise<void> {
    await this.makeFolders(path);
    await chmod(this.top.pathOf(path), mode | 0o700);
  }

  private async addFile(
    { path, mode, mtime }: ArchiveEntry,
    content: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const file = await open(this.top.pathOf(path), NEW_FILE, 0o600);
    try {
      for await (const chunk of content) {
        await writeAll(file, chunk);
        this.bytes += chunk.length;
      }
      await file.chmod(mode);
      await file.utimes(mtime, mtime);
    } finally {
      await file.close();
    }
  }

  private async addHardLink(path: string, target: string): Promise<void> {
    const found = this.links.has(target) ? undefined : await this.statInside(target);
    if (found?.isFile() !== true) {
      throw refused('dangling_link', 'a hard link to what is no file in it', path);
    }
    await link(this.top.pathOf(target), this.top.pathOf(path));
  }

  private async addLink(path: string, target: string): Promise<void> {
    if (await this.statInside(path)) throw refused('duplicate', 'two entries of one name', path);
    if (target.startsWith('/')) throw refused('outward_link', 'a link that leads out', path);
    this.linkBytes += path.length + target.length;
    if (this.linkBytes > MAX_LINK_BYTES) {
      throw refused('too_large', `links of more than ${MAX_LINK_BYTES} bytes`, path);
    }
    this.links.set(path, target);
  }

  /** All folders down to this one. */
  private async makeFolders(path: string): Promise<void> {
    const names = path === '' ? [] : path.split('/');
    const known = names.findIndex((name, index) => name !== this.lastFolder[index]);
    // Entries of one folder come together: what they share is not made for each of them.
    if (known < 0) return;
    for (let count = known + 1; count <= names.length; count += 1) {
      const made = names.slice(0, count).join('/');
      if (this.links.has(made)) throw refused('through_link', 'an entry through a link', path);
      await mkdir(this.top.pathOf(made), { mode: 0o755 }).catch(async (error: unknown) => {
        const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
        if (!isThere) throw error;
        if ((await this.statInside(made))?.isDirectory() !== true) {
          throw refused('duplicate', 'two entries of one name', made);
        }
      });
    }
    this.lastFolder = names;
  }

  private async checkLink(path: string, target: string): Promise<void> {
    this.options.signal?.throwIfAborted();
    const end = await linkEnd(path, target, (asked) => this.look(asked));
    if (end === 'outward') throw refused('outward_link', 'a link that leads out', path);
    if (end === 'dangling' && this.options.missingTargets !== 'keep') {
      throw refused('dangling_link', 'a link to what is not in it', path);
    }
  }

  private async look(path: string): Promise<Found> {
    const stat = await this.statInside(path);
    if (stat === undefined) return undefined;
    if (stat.isDirectory()) return 'folder';
    return stat.isSymbolicLink() ? { link: await readlink(this.top.pathOf(path)) } : 'file';
  }

  private async statInside(path: string): Promise<Stats | undefined> {
    return lstat(this.top.pathOf(path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    });
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    const { bytesWritten } = await file.write(chunk, at, chunk.length - at);
    at += bytesWritten;
  }
}

function refused(code: ArchiveErrorCode, what: string, path: string): ArchiveError {
  const entry = shownName(path);
  return new ArchiveError(code, `The archive has ${what}: ${entry}`, { entry });
}

/** An error of the file system that a name in the archive has caused. */
function nameProblem(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EEXIST' || code === 'EISDIR') {
    return refused('duplicate', 'two entries of one name', path);
  }
  if (code === 'ENAMETOOLONG') return refused('unsafe_name', 'a name that is too long', path);
  return error;
}
