const HEAD_BYTES = 4;

/** A message with its length before it, as two processes send it over a pipe. */
export function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(message.length);
  return Buffer.concat([head, message]);
}

/** Puts messages together again from the pieces that a pipe gives. */
export class FrameReader {
  private parts: Buffer[] = [];
  private size = 0;

  /** @param maxBytes largest message that is taken */
  constructor(private readonly maxBytes: number) {}

  /**
   * The messages that are whole now. @throws RangeError as soon as one is announced that is too
   * large
   */
  push(part: Buffer): Buffer[] {
    this.parts.push(part);
    this.size += part.length;
    const messages: Buffer[] = [];
    for (let message = this.next(); message !== undefined; message = this.next()) {
      messages.push(message);
    }
    return messages;
  }

  private next(): Buffer | undefined {
    if (this.size < HEAD_BYTES) return undefined;
    const first = this.parts[0];
    if (first === undefined || first.length < HEAD_BYTES) this.join();
    const length = this.parts[0]?.readUInt32BE(0) ?? 0;
    if (length > this.maxBytes) throw new RangeError('the message is too large');
    if (this.size < HEAD_BYTES + length) return undefined;
    const whole = this.join();
    this.parts = [whole.subarray(HEAD_BYTES + length)];
    this.size -= HEAD_BYTES + length;
    return whole.subarray(HEAD_BYTES, HEAD_BYTES + length);
  }

  private join(): Buffer {
    const whole = Buffer.concat(this.parts);
    this.parts = [whole];
    return whole;
  }
}
