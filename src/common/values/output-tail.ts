const USUAL_BYTES = 4 * 1024;

/**
 * The end of an output, in whole lines: of one that is cut nobody could hide a secret any more, of
 * which a part is left.
 */
export class OutputTail {
  /** With one byte more, which tells whether what follows begins a line. */
  private kept = Buffer.alloc(0);

  /** @param mostBytes that are kept */
  constructor(private readonly mostBytes = USUAL_BYTES) {}

  add(chunk: Buffer): void {
    const all = Buffer.concat([this.kept, chunk]);
    this.kept = all.subarray(Math.max(0, all.length - this.mostBytes - 1));
  }

  /** Without white space around it; '' where its last line alone is longer than what is kept. */
  get text(): string {
    return this.wholeLines().toString('utf8').trim();
  }

  private wholeLines(): Buffer {
    if (this.kept.length <= this.mostBytes) return this.kept;
    const end = this.kept.findIndex((byte) => byte === 0x0a || byte === 0x0d);
    return end === -1 ? Buffer.alloc(0) : this.kept.subarray(end + 1);
  }
}
