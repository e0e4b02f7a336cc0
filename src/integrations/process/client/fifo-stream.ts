import { closeSync, constants, openSync, readSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { Readable } from 'node:stream';

const CHUNK_BYTES = 64 * 1024;
/**
 * Most that is still read after `finish`: the largest pipe an ordinary user may have
 * (/proc/sys/fs/pipe-max-size).
 */
const FINISH_BYTES = 1024 * 1024;
/**
 * Pause after each read that is dropped, ms: what a background child may flood us with is about 6
 * MB/s.
 */
const DROP_PAUSE_MS = 10;

/**
 * Every read of this process goes through here and is copied at once, so that a thousand idle
 * streams cost nothing.
 */
const readBuffer = Buffer.allocUnsafe(CHUNK_BYTES);

/**
 * The reading end of a FIFO. Opens at once (so that a writer can open it), reads from `begin` on,
 * and ends when the last writer is gone or after `finish`. Holds at most about two chunks of 64
 * KiB; the pipe holds one more.
 *
 * After `finish` what still comes is read and dropped, until the last writer is gone: a background
 * child that prints would otherwise die of SIGPIPE.
 */
export class FifoStream extends Readable {
  private readonly descriptor: number;
  private socket: Socket | undefined;
  private wanted = false;
  private over = false;
  private dropping = false;
  private closing: Promise<void> | undefined;
  /** Memory that holds one chunk each, and nothing else. */
  private readonly own = new WeakSet<ArrayBufferLike>();
  /** Such a memory that was given back. */
  private spare: Buffer | undefined;
  private resolveClosed: () => void = () => undefined;
  /**
   * Resolves when the descriptor is closed: when the last writer is gone, or after `close` or
   * `destroy`.
   */
  readonly whenClosed = new Promise<void>((resolve) => (this.resolveClosed = resolve));

  constructor(path: string) {
    super({ highWaterMark: CHUNK_BYTES });
    this.descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  /** Call when a writer was there: before that, a FIFO reads as ended. */
  begin(): void {
    if (this.over) return;
    const options: SocketConstructorOpts = {
      fd: this.descriptor,
      readable: true,
      writable: false,
      onread: { buffer: readBuffer, callback: (length) => this.accept(length) },
    };
    const socket = new Socket(options);
    this.socket = socket;
    socket.once('end', () => {
      if (!this.over) this.push(null);
      void this.close();
    });
    socket.once('error', (error) => this.destroy(error));
    if (this.wanted) socket.resume();
    else socket.pause();
  }

  /**
   * What is in the pipe is still delivered, then the stream ends; what comes later is dropped.
   * Idempotent.
   */
  finish(): void {
    if (this.over) return;
    this.socket?.pause();
    let left = this.socket ? FINISH_BYTES : 0;
    while (left > 0) {
      const length = readIfAny(this.descriptor, Math.min(left, CHUNK_BYTES));
      if (length === 0) break;
      this.push(Buffer.from(readBuffer.subarray(0, length)));
      left -= length;
    }
    this.over = true;
    this.push(null);
    if (!this.socket) void this.close();
    else this.dropFrom(this.socket);
  }

  /**
   * A chunk that nobody looks at any more; the next one may take its memory. So what is read and
   * dropped costs none.
   */
  giveBack({ buffer }: Buffer): void {
    // Small chunks share the pool of Node with whatever else is small.
    if (this.own.has(buffer)) this.spare = Buffer.from(buffer);
  }

  override _read(): void {
    this.wanted = true;
    this.socket?.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Ended by `finish` and read to its end: the writers are still there.
    if (this.dropping && error === null) return callback();
    void this.close().then(() => callback(error));
  }

  /** Closes the descriptor, whatever is unread. Idempotent; resolves when it is closed. */
  close(): Promise<void> {
    this.over = true;
    this.closing ??= this.closeDescriptor().then(this.resolveClosed);
    return this.closing;
  }

  private accept(length: number): boolean {
    if (this.dropping) {
      this.socket?.pause();
      setTimeout(() => this.socket?.resume(), DROP_PAUSE_MS).unref();
      return false;
    }
    if (this.over) return false;
    this.wanted = this.push(this.copy(length));
    if (!this.wanted) this.socket?.pause();
    return this.wanted;
  }

  private copy(length: number): Buffer {
    // A small piece in a memory of its own would cost that of a large one.
    if (length <= CHUNK_BYTES / 2) return Buffer.from(readBuffer.subarray(0, length));
    const memory = this.spare ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
    this.spare = undefined;
    this.own.add(memory.buffer);
    readBuffer.copy(memory, 0, 0, length);
    return memory.subarray(0, length);
  }

  private dropFrom(socket: Socket): void {
    this.dropping = true;
    socket.resume();
    // Nobody waits for a child that was left behind: the worker may end.
    socket.unref();
  }

  private async closeDescriptor(): Promise<void> {
    const socket = this.socket;
    if (!socket) {
      closeSync(this.descriptor);
      return;
    }
    if (socket.closed) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.destroy();
    });
  }
}

/** Bytes read into `readBuffer`; 0 for an empty pipe and for one without writers. */
function readIfAny(descriptor: number, limit: number): number {
  try {
    return readSync(descriptor, readBuffer, 0, limit, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}
