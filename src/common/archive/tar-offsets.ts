const BLOCK = 512;
const SIZE_AT = 124;
const SIZE_LENGTH = 12;
const TYPE_AT = 156;
const FILE_TYPES: ReadonlySet<number> = new Set([0, '0'.charCodeAt(0)]);

/**
 * Where the content of each file begins in a tar that we make: fed with its bytes in order, however
 * they are cut. See "ustar Interchange Format" in POSIX; sizes of 8 GiB and more are binary, as GNU
 * tar writes them.
 */
export class TarOffsets {
  /** Of files only, in the order of the archive. */
  readonly files: number[] = [];
  private readonly header = Buffer.alloc(BLOCK);
  private inHeader = 0;
  /** Bytes until the next header. */
  private skip = 0;
  private position = 0;

  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const left = chunk.length - at;
      const count = Math.min(left, this.skip > 0 ? this.skip : BLOCK - this.inHeader);
      if (this.skip > 0) this.skip -= count;
      else this.takeHeader(chunk.subarray(at, at + count));
      at += count;
      this.position += count;
    }
  }

  private takeHeader(bytes: Buffer): void {
    bytes.copy(this.header, this.inHeader);
    this.inHeader += bytes.length;
    if (this.inHeader < BLOCK) return;
    this.inHeader = 0;
    // Blocks of zeros end an archive: a size of 0, and no name.
    if (this.header[0] === 0) return;
    const size = sizeIn(this.header.subarray(SIZE_AT, SIZE_AT + SIZE_LENGTH));
    const isFile = FILE_TYPES.has(this.header[TYPE_AT] ?? -1);
    if (isFile) this.files.push(this.position + bytes.length);
    this.skip = Math.ceil(size / BLOCK) * BLOCK;
  }
}

function sizeIn(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.readBigUInt64BE(SIZE_LENGTH - 8));
  return Number.parseInt(field.toString('latin1'), 8) || 0;
}
