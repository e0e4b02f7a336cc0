/** Memory with a length, which is moved to a larger one when it is too small. */
export class GrowingMemory {
  /** @param length of `bytes`, how many are in use */
  constructor(
    public bytes: Buffer,
    public length = 0,
  ) {}

  makeRoom(byteLength: number): void {
    const needed = this.length + byteLength;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.length));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  append(bytes: Uint8Array): void {
    this.makeRoom(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }
}
