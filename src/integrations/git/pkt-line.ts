/** One packet of git's wire format (gitprotocol-common): its payload, or a flush packet. */
export type Packet = Buffer | 'flush';

const MAX_PACKET = 65_520;

/** `text` as a packet. */
export function packet(text: string): string {
  return (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text;
}

export const FLUSH = '0000';

/** A stream that is not in the wire format, or ends in the middle of it. */
export class PacketError extends Error {
  constructor(readonly reason: 'broken' | 'cut') {
    super(reason === 'cut' ? 'the answer broke off' : 'the answer is not in the format of git');
    this.name = 'PacketError';
  }
}

/** Reads packets out of chunks of any size; holds no more than one packet and one chunk. */
export class PacketReader {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(body: AsyncIterable<Uint8Array> | AsyncIterableIterator<Uint8Array>) {
    this.chunks = body[Symbol.asyncIterator]();
  }

  /** undefined at the end of the stream. @throws PacketError */
  async next(): Promise<Packet | undefined> {
    const head = await this.take(4);
    if (head === undefined) return undefined;
    const digits = head.toString('latin1');
    const length = /^[0-9a-f]{4}$/i.test(digits) ? parseInt(digits, 16) : -1;
    // 1 is the delimiter of version 2; no packet is shorter than its own length.
    if (length === 0) return 'flush';
    if (length < 4 || length > MAX_PACKET) throw new PacketError('broken');
    if (length === 4) return Buffer.alloc(0);
    const payload = await this.take(length - 4);
    if (payload === undefined) throw new PacketError('cut');
    return payload;
  }

  /** undefined at the end, before the first byte of it. */
  private async take(length: number): Promise<Buffer | undefined> {
    while (this.rest.length < length) {
      const chunk = await this.chunks.next();
      if (chunk.done === true) {
        if (this.rest.length === 0) return undefined;
        throw new PacketError('cut');
      }
      this.rest = Buffer.concat([this.rest, chunk.value]);
    }
    const taken = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return taken;
  }
}
