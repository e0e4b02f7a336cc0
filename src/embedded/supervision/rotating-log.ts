import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

/** Bytes that are kept in memory of a log's end, for error messages. */
const TAIL_BYTES = 4096;

/**
 * A log file of bounded size: when it would pass `maxBytes` it becomes `PATH.1` (replacing the
 * former one) and a new one begins, so at most twice `maxBytes` are on disk. Writes are
 * synchronous: lines stay in order and are there when the writer dies. A disk that is full loses
 * lines, never the service: they are counted in `droppedBytes`.
 */
export class RotatingLog {
  readonly path: string;
  droppedBytes = 0;
  private readonly maxBytes: number;
  private fd: number;
  private size: number;
  private end: Buffer = Buffer.alloc(0);

  constructor(path: string, maxBytes: number) {
    this.path = path;
    this.maxBytes = maxBytes;
    this.fd = openSync(path, 'a', 0o600);
    this.size = fstatSync(this.fd).size;
  }

  write(chunk: Buffer): void {
    this.end = Buffer.concat([this.end, chunk]).subarray(-TAIL_BYTES);
    try {
      if (this.size + chunk.length > this.maxBytes && this.size > 0) this.rotate();
      this.size += writeSync(this.fd, chunk);
    } catch {
      this.droppedBytes += chunk.length;
    }
  }

  /** The last lines that were written, at most 4 KiB. */
  tail(): string {
    return this.end.toString('utf8').trim();
  }

  close(): void {
    closeSync(this.fd);
  }

  private rotate(): void {
    renameSync(this.path, `${this.path}.1`);
    const next = openSync(this.path, 'a', 0o600);
    closeSync(this.fd);
    this.fd = next;
    this.size = 0;
  }
}
