import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { lstat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { type Header, pack, type Pack } from 'tar-stream';
import {
  TreeWalk,
  type WalkedEntry,
  type WalkedFile,
  WalkLimitError,
} from '../globs/walk-globs.js';
import { type LeftOutList, reasonOrThrow } from '../tree/left-out.js';
import { inFolder } from '../tree/in-folder.js';
import { TreeFolder } from '../tree/tree-folder.js';
import type { Globs } from '../values/globs/globs.js';
import { REPLACEMENT } from '../values/text-rule.js';
import { ArchiveError } from './archive-error.js';
import { takeSnapshot } from './file-snapshot.js';
import { type Found, linkEnd } from './link-end.js';
import { ReadAhead } from './read-ahead.js';

export interface PackLimits {
  /** Content of all files together, before gzip. */
  readonly maxBytes: number;
  readonly maxEntries: number;
  /** Names looked at, whether the globs include them or not. */
  readonly maxWalked: number;
}

export interface PackOptions {
  readonly globs: Globs;
  readonly limits: PackLimits;
  /**
   * A folder of ours alone. Files over 1 MiB are copied there before they are packed, one at a
   * time, as files without a name: nothing stays there, not even after a `kill -9`.
   */
  readonly scratch: string;
  readonly gzip?: boolean;
  /** Called for each file when all of it is in the archive. */
  readonly onFile?: (file: PackedFile) => void;
  /** Called for each link that is in the archive, with where it leads to, as it says. */
  readonly onLink?: ((path: string, target: string) => void) | undefined;
  readonly signal?: AbortSignal;
}

/** A file of an archive. */
export interface PackedFile {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  /** SHA-256 of its content, in hex. */
  readonly digest: string;
}

export interface PackResult {
  /** SHA-256 of the stream, in hex. */
  readonly digest: string;
  /** Bytes of the stream. */
  readonly size: number;
  /** Bytes of the files in it. */
  readonly contentBytes: number;
  readonly entries: number;
  /** Globs that have fitted nothing. */
  readonly unmatched: readonly string[];
  readonly leftOut: LeftOutList;
}

export interface PackedTree {
  /**
   * The tar, packed as it is read. It fails with ArchiveError `too_large` or `too_many_entries`,
   * with the reason of the signal, or with an error of the disk. Who does not read it to its end
   * destroys it.
   */
  readonly stream: Readable;
  /** When the stream has ended; throws before that. */
  result(): PackResult;
}

/** Seconds that the field of ustar holds as `tar-stream` writes it. */
const MAX_MTIME = 2 ** 31 - 1;
const PIECE = 2 ** 16;

/**
 * A tar of what globs include of a tree that strangers have written and may still change. Times of
 * change are kept as whole seconds from 1970 to 2038.
 *
 * - Nothing is read through a link. Links that end inside the tree are links in the archive, also
 *   when what they lead to is not in it; the others are left out.
 * - A hard link is a file of its own. Of the mode only rwx is kept, of the owner nothing.
 * - A file that is written to meanwhile is packed as it was at one moment, or left out.
 * - What is left out fails nothing; the result names it, with a reason.
 * - The same tree gives the same bytes.
 */
export function packTree(root: string, options: PackOptions): PackedTree {
  const packing = new TreePacking(root, options);
  const stream = Readable.from(packing.chunks(), { objectMode: false });
  return { stream, result: () => packing.result() };
}

class TreePacking {
  private readonly walk: TreeWalk;
  private readonly pack = pack();
  private readonly ahead = new ReadAhead();
  private contentBytes = 0;
  private entries = 0;
  private size = 0;
  private digest: string | undefined;

  constructor(
    private readonly root: string,
    private readonly options: PackOptions,
  ) {
    this.walk = new TreeWalk(options.globs, { maxEntries: options.limits.maxWalked });
  }

  async *chunks(): AsyncGenerator<Buffer, void, void> {
    const filling = this.fill().then(
      () => this.pack.finalize(),
      (error: Error) => this.pack.destroy(error),
    );
    const hash = createHash('sha256');
    try {
      for await (const chunk of this.bytes()) {
        hash.update(chunk);
        this.size += chunk.length;
        yield chunk;
      }
      this.digest = hash.digest('hex');
    } finally {
      this.pack.destroy();
      await filling;
    }
  }

  result(): PackResult {
    const { digest, size, contentBytes, entries } = this;
    if (digest === undefined) throw new Error('The stream has not ended yet.');
    const [unmatched, leftOut] = [this.walk.unmatched(), this.walk.leftOut.list()];
    return { digest, size, contentBytes, entries, unmatched, leftOut };
  }

  private bytes(): AsyncIterable<Buffer> {
    if (!this.options.gzip) return this.pack as AsyncIterable<Buffer>;
    const gzip = createGzip();
    // `pipe` of this stream passes on everything but its own error.
    this.pack.on('error', (error) => gzip.destroy(error));
    return this.pack.pipe(gzip);
  }

  private async fill(): Promise<void> {
    const top = await TreeFolder.open(this.root);
    try {
      for await (const entry of this.walk.entries(top)) {
        await this.addEntry(entry, top).catch(async (error: unknown) => {
          await this.ahead.stop();
          throw error;
        });
      }
    } catch (error) {
      if (!(error instanceof WalkLimitError)) throw error;
      throw new ArchiveError('too_many_entries', error.message, { cause: error });
    } finally {
      await top.close();
    }
  }

  private async addEntry(entry: WalkedEntry, top: TreeFolder): Promise<void> {
    this.options.signal?.throwIfAborted();
    if (entry.kind === 'file') await this.addFile(entry);
    else if (entry.kind === 'folder') await this.addFolder(entry);
    else await this.addLink(entry, top);
  }

  private async addFile(file: WalkedFile): Promise<void> {
    const { parent, name, path } = file;
    const { scratch, signal, limits } = this.options;
    const checkSize = (bytes: number): void => {
      if (this.contentBytes + bytes <= limits.maxBytes) return;
      const message = `The files have more than ${limits.maxBytes} bytes.`;
      throw new ArchiveError('too_large', message, { entry: path });
    };
    const early = await this.ahead.take(file);
    const taken =
      early === 'large' ? await takeSnapshot(parent, name, { scratch, checkSize, signal }) : early;
    if (typeof taken === 'string') return this.walk.leftOut.add(path, taken);
    const { size, content } = taken;
    // Of a large one it was checked before it was copied.
    if (Buffer.isBuffer(content)) checkSize(size);
    // What has been read can be read: the owner's right to it goes with it.
    const mode = (taken.mode & 0o777) | 0o400;
    const header = { name: path, type: 'file', mode, mtime: wholeSeconds(taken.mtimeMs) } as const;
    this.contentBytes += size;
    const hash = createHash('sha256');
    try {
      if (Buffer.isBuffer(content)) await this.add({ ...header, size }, content);
      else await this.addCopy({ ...header, size }, content, hash);
      if (Buffer.isBuffer(content)) hash.update(content);
      this.options.onFile?.({ path, mode, size, digest: hash.digest('hex') });
    } finally {
      if (!Buffer.isBuffer(content)) await content.close();
    }
  }

  private async addFolder({ parent, name, path }: WalkedEntry): Promise<void> {
    const stat = await lstat(parent.pathOf(name)).catch(reasonOrThrow);
    if (typeof stat === 'string') return this.walk.leftOut.add(path, stat);
    if (!stat.isDirectory()) return this.walk.leftOut.add(path, 'vanished');
    const mode = (stat.mode & 0o777) | 0o700;
    await this.add({ name: path, type: 'directory', mode, mtime: wholeSeconds(stat.mtimeMs) });
  }

  private async addLink({ parent, name, path }: WalkedEntry, top: TreeFolder): Promise<void> {
    const target = await parent.link(name).catch(reasonOrThrow);
    if (typeof target === 'string') return this.walk.leftOut.add(path, target);
    const linkname = target.toString();
    // It stands for bytes that are no UTF-8, so no archive with it is unpacked.
    if (linkname.includes(REPLACEMENT)) return this.walk.leftOut.add(path, 'invalid_name');
    // Where it is unpacked the links on its way need not be: it must stay inside without them too.
    const byText = await linkEnd(path, linkname, () => Promise.resolve(undefined));
    const end =
      byText === 'outward' ? byText : await linkEnd(path, linkname, (asked) => lookIn(top, asked));
    if (end !== 'inside') {
      return this.walk.leftOut.add(path, end === 'outward' ? 'outward_link' : 'dangling_link');
    }
    await this.add({ name: path, type: 'symlink', linkname, mode: 0o777, mtime: new Date(0) });
    this.options.onLink?.(path, linkname);
  }

  /** Resolves when the reader has taken it. */
  private add(header: Partial<Header> & { name: string }, content?: Buffer): Promise<void> {
    this.countEntry(header.name);
    return new Promise((resolve, reject) => {
      const done = (error?: Error | null): void => (error ? reject(error) : resolve());
      if (content === undefined) this.pack.entry(header, done);
      else this.pack.entry(header, content, done);
    });
  }

  private async addCopy(
    header: Partial<Header> & { name: string; size: number },
    copy: FileHandle,
    hash: Hash,
  ): Promise<void> {
    this.countEntry(header.name);
    const ended = Promise.withResolvers<void>();
    const done = (error?: Error | null): void => (error ? ended.reject(error) : ended.resolve());
    const sink = this.pack.entry(header, done);
    const writing = writeFrom(copy, header.size, sink, hash).catch((error: Error) => {
      sink.destroy(error);
      throw error;
    });
    await Promise.all([writing, ended.promise]);
  }

  private countEntry(path: string): void {
    const { maxEntries } = this.options.limits;
    this.entries += 1;
    if (this.entries <= maxEntries) return;
    const message = `There are more than ${maxEntries} files, folders and links.`;
    throw new ArchiveError('too_many_entries', message, { entry: path });
  }
}

async function writeFrom(
  copy: FileHandle,
  size: number,
  sink: ReturnType<Pack['entry']>,
  hash: Hash,
): Promise<void> {
  for (let at = 0; at < size;) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE, size - at));
    const { bytesRead } = await copy.read(piece, 0, piece.length, at);
    if (bytesRead === 0) throw new Error('A copy in the scratch folder was cut off.');
    at += bytesRead;
    hash.update(piece.subarray(0, bytesRead));
    if (sink.destroyed) return;
    if (!sink.write(piece.subarray(0, bytesRead))) await drained(sink);
  }
  sink.end(null);
}

function drained(sink: ReturnType<Pack['entry']>): Promise<void> {
  if (sink.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off('drain', done).off('close', done);
      resolve();
    };
    sink.on('drain', done).on('close', done);
  });
}

/** What stands in a tree that others write; nothing is followed on the way. */
async function lookIn(top: TreeFolder, path: string): Promise<Found> {
  const names = path.split('/');
  const last = names.pop() ?? '';
  try {
    return await inFolder(top, names, async (folder) => {
      const stat = await lstat(folder.pathOf(last));
      if (stat.isDirectory()) return 'folder';
      if (!stat.isSymbolicLink()) return 'file';
      return { link: (await folder.link(last)).toString() };
    });
  } catch (error) {
    reasonOrThrow(error);
    return undefined;
  }
}

function wholeSeconds(ms: number): Date {
  return new Date(Math.min(Math.max(Math.floor(ms / 1000), 0), MAX_MTIME) * 1000);
}
