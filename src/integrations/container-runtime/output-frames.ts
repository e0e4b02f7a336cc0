import { Readable } from 'node:stream';

const HEADER_BYTES = 8;
const STDERR = 2;
/** What may lie in one stream before the connection is read no further, bytes. */
const HIGH_WATER_BYTES = 64 * 1024;

/**
 * Takes apart what an engine sends for an attached container without a terminal: frames of a
 * header (channel, three zeros, length in four bytes) and bytes; see "ContainerAttach" in the
 * documentation of the Engine API. A stream that is not read holds up the connection, and with it
 * the container.
 */
export class OutputFrames {
  readonly stdout: Readable;
  readonly stderr: Readable;
  private readonly header = Buffer.alloc(HEADER_BYTES);
  private headerLength = 0;
  private bytes = 0;
  private left = 0;
  private target: Readable;
  private readonly full = new Set<Readable>();
  private source: Readable | undefined;

  constructor() {
    this.stdout = this.channel();
    this.stderr = this.channel();
    this.target = this.stdout;
  }

  /** Bytes that came so far. */
  get taken(): number {
    return this.bytes;
  }

  /** No more is read before somebody reads what came. */
  get isHeldUp(): boolean {
    return [...this.full].some(({ destroyed }) => !destroyed);
  }

  /** Reads a connection to its end; another one may follow. Resolves with whether it ended well. */
  follow(source: Readable): Promise<'ended' | 'broken'> {
    this.source = source;
    this.headerLength = 0;
    this.left = 0;
    return new Promise((resolve) => {
      source.on('data', (chunk: Buffer) => {
        this.take(chunk);
        if (this.full.size > 0) source.pause();
      });
      source.once('end', () => resolve('ended'));
      source.once('error', () => resolve('broken'));
      source.once('close', () => resolve('broken'));
    });
  }

  /** No more follows. */
  end(): void {
    this.source = undefined;
    this.stdout.push(null);
    this.stderr.push(null);
  }

  private channel(): Readable {
    const channel: Readable = new Readable({
      highWaterMark: HIGH_WATER_BYTES,
      read: () => {
        this.full.delete(channel);
        if (this.full.size === 0) this.source?.resume();
      },
    });
    return channel;
  }

  private take(chunk: Buffer): void {
    this.bytes += chunk.length;
    for (let at = 0; at < chunk.length;) {
      if (this.left === 0) {
        at += this.takeHeader(chunk, at);
        continue;
      }
      const bytes = chunk.subarray(at, at + this.left);
      at += bytes.length;
      this.left -= bytes.length;
      if (!this.target.push(bytes)) this.full.add(this.target);
    }
  }

  private takeHeader(chunk: Buffer, at: number): number {
    const count = chunk.copy(this.header, this.headerLength, at);
    this.headerLength += count;
    if (this.headerLength === HEADER_BYTES) {
      this.headerLength = 0;
      this.left = this.header.readUInt32BE(4);
      this.target = this.header[0] === STDERR ? this.stderr : this.stdout;
    }
    return count;
  }
}
