import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract, type Extract, type Header } from 'tar-stream';
import { ArchiveError } from './archive-error.js';
import { checkedName, checkedTarget, shownName } from './entry-name.js';

export interface ReadOptions {
  readonly limits: {
    /** Content of all files together, unpacked. */
    readonly maxBytes: number;
    readonly maxEntries: number;
  };
  readonly gzip?: boolean;
  readonly signal?: AbortSignal;
}

interface EntryBase {
  /** Relative, without `.` and `..`; empty for the top itself. */
  readonly path: string;
  /** rwx of owner, group and others. */
  readonly mode: number;
  readonly mtime: Date;
}

export type ArchiveEntry =
  | (EntryBase & { readonly kind: 'file'; readonly size: number })
  | (EntryBase & { readonly kind: 'folder' })
  /** `target` as it is written. */
  | (EntryBase & { readonly kind: 'link'; readonly target: string })
  /** `target` is the path of another entry. */
  | (EntryBase & { readonly kind: 'hard_link'; readonly target: string });

export interface ReadEntry {
  readonly entry: ArchiveEntry;
  /** The content of a file. What is not read is skipped. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** Bytes that are no content between two entries: long names and the like, or the end. */
const MAX_BETWEEN = 2 ** 20;
const MAX_PAX_KEYS = 64;
const BLOCK = 512;
/** An archive ends with two blocks of zeros. */
const END = 2 * BLOCK;

/**
 * The entries of an archive that anybody may have made, one after another and never whole in
 * memory. Names are safe as texts; what links lead to is for the caller to judge. The source is
 * destroyed at the end, however that comes.
 * @throws ArchiveError, the reason of the signal, or an error of the source
 */
export async function* readEntries(
  source: Readable,
  options: ReadOptions,
): AsyncGenerator<ReadEntry, void, void> {
  const { limits, signal } = options;
  if (signal?.aborted) source.destroy();
  signal?.throwIfAborted();
  const tar = extract();
  const feeding = new Feeding(source, tar, options.gzip === true);
  const abort = (): void => feeding.fail(signal?.reason);
  signal?.addEventListener('abort', abort);
  let entries = 0;
  let bytes = 0;
  const fed = feeding.run();
  try {
    for await (const content of feeding.explain(tar)) {
      const { header } = content;
      const entry = entryOf(header);
      entries += 1;
      bytes += entry.kind === 'file' ? entry.size : 0;
      if (entries > limits.maxEntries) {
        const message = `The archive has more than ${limits.maxEntries} entries.`;
        throw new ArchiveError('too_many_entries', message, { entry: shownName(header.name) });
      }
      if (bytes > limits.maxBytes) {
        const message = `The files in the archive have more than ${limits.maxBytes} bytes.`;
        throw new ArchiveError('too_large', message, { entry: shownName(header.name) });
      }
      yield { entry, content: feeding.explain(content as AsyncIterable<Uint8Array>) };
      content.resume();
    }
    feeding.checkEnd();
  } finally {
    signal?.removeEventListener('abort', abort);
    tar.destroy();
    source.destroy();
    await fed;
  }
}

/** Passes a source to tar-stream, no faster than that reads. */
class Feeding {
  private total = 0;
  /** Where the content of the last entry ends, padding included. */
  private contentEnd = 0;
  private tail: Buffer = Buffer.alloc(0);
  private failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly source: Readable,
    private readonly tar: Extract,
    private readonly isGzip: boolean,
  ) {
    // `byteOffset` is what the types of tar-stream leave out.
    tar.on('entry', (header: Header & { readonly byteOffset?: number }) => {
      const end = (header.byteOffset ?? 0) + (header.size ?? 0);
      this.contentEnd = Math.ceil(end / BLOCK) * BLOCK;
    });
  }

  /** Ends without an error: those are told by whoever reads the entries. */
  async run(): Promise<void> {
    try {
      for await (const chunk of this.bytes()) {
        this.note(chunk);
        if (this.tar.destroying) return;
        if (!this.tar.write(chunk)) await drained(this.tar);
      }
      this.tar.end(null);
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    this.failure ??= { error };
    this.tar.destroy(error as Error);
    this.source.destroy();
  }

  /** Passes items on. An error of tar-stream says no more than that the archive is no good. */
  async *explain<T>(items: AsyncIterable<T>): AsyncGenerator<T, void, void> {
    try {
      yield* items;
    } catch (error) {
      const cause = this.failure ? this.failure.error : error;
      const code = (cause as NodeJS.ErrnoException | undefined)?.code;
      if (this.failure && !code?.startsWith('Z_')) throw cause;
      throw new ArchiveError('damaged', 'The archive is damaged or cut off.', { cause });
    }
  }

  checkEnd(): void {
    const isEnd = this.tail.length === END && this.tail.every((byte) => byte === 0);
    if (isEnd && this.total - this.contentEnd >= END) return;
    throw new ArchiveError('damaged', 'The archive is cut off: its end is missing.');
  }

  private bytes(): AsyncIterable<Buffer> {
    if (!this.isGzip) return this.source as AsyncIterable<Buffer>;
    // Whoever reads the last stream is told the error by it.
    return pipeline(this.source, createGunzip(), () => undefined) as AsyncIterable<Buffer>;
  }

  private note(chunk: Buffer): void {
    if (this.total - this.contentEnd > MAX_BETWEEN) {
      const message = `The archive has more than ${MAX_BETWEEN} bytes between two files.`;
      throw new ArchiveError('damaged', message);
    }
    this.total += chunk.length;
    const last = chunk.subarray(Math.max(0, chunk.length - END));
    this.tail = last.length === END ? last : Buffer.concat([this.tail, last]).subarray(-END);
  }
}

function drained(tar: Extract): Promise<void> {
  if (tar.destroying) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      tar.off('drain', done).off('close', done);
      resolve();
    };
    tar.on('drain', done).on('close', done);
  });
}

function entryOf(header: Header): ArchiveEntry {
  const { name, type, size, linkname } = header;
  const entry = shownName(name);
  const unsupported = (what: string): ArchiveError =>
    new ArchiveError('unsupported_entry', `The archive holds ${what}: ${entry}`, { entry });
  const pax = Object.keys(header.pax ?? {});
  if (pax.length > MAX_PAX_KEYS) throw unsupported('an entry with too many attributes');
  if (pax.some((key) => key.startsWith('GNU.sparse.'))) throw unsupported('a sparse file');
  if (!Number.isSafeInteger(size) || size < 0) throw unsupported('an entry of no valid size');
  const path = checkedName(name);
  const mode = Number.isInteger(header.mode) ? header.mode & 0o777 : 0o644;
  const seconds = header.mtime.getTime();
  const mtime = new Date(Number.isFinite(seconds) && seconds > 0 ? seconds : 0);
  const base = { path, mode, mtime };
  if (type === 'file' || type === 'contiguous-file') {
    if (path === '') throw new ArchiveError('unsafe_name', 'A file has no name.', { entry });
    return { ...base, kind: 'file', size };
  }
  if (size !== 0) throw unsupported('an entry with content that is no file');
  if (type === 'directory') return { ...base, kind: 'folder' };
  if (type === 'symlink' || type === 'link') {
    if (path === '') throw new ArchiveError('unsafe_name', 'A link has no name.', { entry });
    const target = checkedTarget(linkname, entry);
    if (type === 'symlink') return { ...base, kind: 'link', target };
    return { ...base, kind: 'hard_link', target: checkedName(target) };
  }
  throw unsupported(type === null || type === undefined ? 'an unknown entry' : `a ${type}`);
}
