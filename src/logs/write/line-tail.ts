const LINE_FEED = 0x0a;
/** More of a line is not shown in a tail. */
const MAX_LINE_CHARACTERS = 1_000;

/** The last lines of something, as a copy of at most `maxBytes` bytes. */
export class LineTail {
  private bytes: Buffer = Buffer.alloc(0);
  /** Whose line at the end continues. */
  private openSource: unknown;

  constructor(private readonly maxBytes: number) {}

  /**
   * Lines of `source`, each with its `\n`. When the last one `continues`, the next lines of the
   * same source continue in it. `source` is compared by identity.
   */
  add(lines: Buffer, source?: unknown, continues = false): void {
    const isOpen = this.openSource !== undefined && this.openSource !== source;
    const added = continues ? lines.subarray(0, lines.length - 1) : lines;
    const kept = Math.max(0, this.maxBytes - added.length);
    this.bytes = Buffer.concat([
      this.bytes.subarray(Math.max(0, this.bytes.length - kept)),
      isOpen ? Buffer.from('\n') : Buffer.alloc(0),
      added.subarray(Math.max(0, added.length - this.maxBytes)),
    ]);
    this.openSource = continues ? source : undefined;
  }

  /**
   * The last `count` lines, oldest first, each cut to 1,000 characters; fewer when they were long.
   */
  last(count: number): string[] {
    if (this.bytes.length === 0 || count <= 0) return [];
    const end = this.bytes.at(-1) === LINE_FEED ? this.bytes.length - 1 : this.bytes.length;
    let start = end + 1;
    for (let lines = 0; lines < count && start > 0; lines++) {
      start = start < 2 ? 0 : this.bytes.lastIndexOf(LINE_FEED, start - 2) + 1;
    }
    const lines = this.bytes.toString('utf8', start, end).split('\n');
    return lines.map((line) => line.slice(0, MAX_LINE_CHARACTERS));
  }
}
