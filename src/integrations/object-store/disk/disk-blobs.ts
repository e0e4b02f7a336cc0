import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { BlobBody } from '../blob-body.js';
import { type BlobStorage, PAGE_SIZE } from '../blob-storage.js';
import { type ByteRange, ObjectStoreError } from '../object-store.js';
import { codeOf, diskFailure, onDisk } from './disk-failure.js';
import { checkFolders, makeFolders, removeEmptyFolders, syncFolder } from './plain-folders.js';

/** Beside the folders of the blobs: files that are being written. */
const UNFINISHED = 'unfinished';
/** How often a write makes folders that a remove has found empty at the same moment. */
const TRIES = 5;
// A pipe in the place of a file does not hold us up either.
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Files below a folder, which is made when it is first written to. They are written elsewhere in
 * the folder and renamed. Links below it are not followed.
 */
export class DiskBlobs implements BlobStorage {
  private readonly logger = new Logger(DiskBlobs.name);
  private readonly unfinished: string;

  /** @param root absolute; of this store alone */
  constructor(private readonly root: string) {
    this.unfinished = join(root, UNFINISHED);
  }

  async write(path: string, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    const draft = join(this.unfinished, randomUUID());
    try {
      await onDisk(() => mkdir(this.unfinished, { recursive: true, mode: 0o700 }));
      await this.writeDraft(draft, bytes, signal);
      await onDisk(() => this.moveInPlace(draft, path));
    } catch (error) {
      await this.dropDraft(draft);
      throw error;
    }
  }

  async read(
    path: string,
    range?: ByteRange,
    signal?: AbortSignal,
  ): Promise<{ readonly size: number; readonly body: Readable }> {
    return onDisk(async () => {
      await checkFolders(this.root, path);
      const file = await open(join(this.root, path), READ_FLAGS);
      try {
        const stats = await file.stat();
        if (!stats.isFile()) throw new ObjectStoreError('damaged', 'it is no plain file');
        const start = range?.offset ?? 0;
        const length = Math.max(0, Math.min(range?.length ?? stats.size, stats.size - start));
        const source = file.createReadStream({ start, end: Math.max(start, start + length - 1) });
        const body = new BlobBody(source, { length, toError: diskFailure, signal });
        return { size: stats.size, body };
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  async remove(path: string): Promise<void> {
    await onDisk(async () => {
      try {
        await checkFolders(this.root, path);
        await unlink(join(this.root, path));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return;
        throw error;
      }
      await removeEmptyFolders(this.root, path);
    });
  }

  async *list(folder: string, signal?: AbortSignal): AsyncGenerator<readonly string[], void, void> {
    let page: string[] = [];
    for await (const path of this.walk(folder)) {
      signal?.throwIfAborted();
      page.push(path);
      if (page.length < PAGE_SIZE) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }

  async writtenAt(path: string): Promise<Date | undefined> {
    return onDisk(async () => {
      try {
        await checkFolders(this.root, path);
        return (await lstat(join(this.root, path))).mtime;
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw error;
      }
    });
  }

  async abortWrites(date: Date, signal?: AbortSignal): Promise<number> {
    return onDisk(async () => {
      let removed = 0;
      for (const { name } of await entriesOf(this.unfinished)) {
        signal?.throwIfAborted();
        const draft = join(this.unfinished, name);
        if (await removeOlder(draft, date)) removed += 1;
      }
      return removed;
    });
  }

  /** Errors of `bytes` come as they are, so that nobody takes them for those of the disk. */
  private async writeDraft(
    draft: string,
    bytes: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const file = await onDisk(() => open(draft, 'wx', 0o600));
    try {
      for await (const chunk of bytes) {
        signal?.throwIfAborted();
        await onDisk(() => file.writeFile(chunk));
      }
      await onDisk(() => file.sync());
    } finally {
      await onDisk(() => file.close());
    }
  }

  private async dropDraft(draft: string): Promise<void> {
    try {
      await unlinkIfThere(draft);
    } catch (error) {
      this.logger.warn({ err: error }, 'an unfinished file is removed later');
    }
  }

  private async moveInPlace(draft: string, path: string): Promise<void> {
    const target = join(this.root, path);
    for (let tries = 1; ; tries += 1) {
      try {
        await makeFolders(this.root, path);
        await rename(draft, target);
        break;
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' || tries === TRIES) throw error;
      }
    }
    await syncFolder(dirname(target));
  }

  /** Paths of the files below `folder` (which ends with `/`), in the order of their bytes. */
  private async *walk(folder: string): AsyncGenerator<string, void, void> {
    const entries = await onDisk(async () => {
      await checkFolders(this.root, folder);
      return entriesOf(join(this.root, folder));
    }).catch((error: ObjectStoreError) => {
      if (error.code === 'not_found') return [];
      throw error;
    });
    // A folder sorts by what its paths begin with: by its name and a slash.
    const names = entries.filter((entry) => entry.isFile() || entry.isDirectory());
    for (const name of names.map((entry) => entry.name + (entry.isFile() ? '' : '/')).sort()) {
      if (name.endsWith('/')) yield* this.walk(folder + name);
      else yield folder + name;
    }
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function unlinkIfThere(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

async function removeOlder(path: string, date: Date): Promise<boolean> {
  try {
    if ((await lstat(path)).mtime >= date) return false;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
  return unlinkIfThere(path);
}
