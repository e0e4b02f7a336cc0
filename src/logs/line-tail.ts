const lineFeed = 0x0a;
/** More of a line is not shown in a tail. */
const maxLineCharacters = 1_000;

/** The last lines of something, as a copy of at most `maxBytes` bytes. */
export class LineTail {
  private bytes: Buffer = Buffer.alloc(0);

  constructor(private readonly maxBytes: number) {}

  /** Whole lines, each with its `\n`. */
  add(lines: Buffer): void {
    const kept = Math.max(0, this.maxBytes - lines.length);
    const joined = Buffer.concat([
      this.bytes.subarray(Math.max(0, this.bytes.length - kept)),
      lines.subarray(Math.max(0, lines.length - this.maxBytes)),
    ]);
    this.bytes = joined;
  }

  /** The last `count` lines, oldest first, each cut to 1,000 characters; fewer when they were long. */
  last(count: number): string[] {
    let start = this.bytes.length;
    for (let lines = 0; lines < count && start > 0; lines++) {
      start = start < 2 ? 0 : this.bytes.lastIndexOf(lineFeed, start - 2) + 1;
    }
    if (start === this.bytes.length) return [];
    const text = this.bytes.toString('utf8', start, this.bytes.length - 1);
    return text.split('\n').map((line) => line.slice(0, maxLineCharacters));
  }
}
