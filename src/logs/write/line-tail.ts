const LINE_FEED = 0x0a;
const LINE_END = Buffer.from('\n');
/** More of a line is not shown in a tail. */
const MAX_LINE_CHARACTERS = 1_000;

/**
 * The last lines of something, as a copy of at most `maxBytes` bytes. Its memory is used again: a
 * flood asks for none.
 */
export class LineTail {
  private memory: Buffer = Buffer.alloc(0);
  private length = 0;
  /** Whose line at the end continues. */
  private openSource: unknown;

  constructor(private readonly maxBytes: number) {}

  /**
   * Lines of `source`, each with its `\n`. When the last one `continues`, the next lines of the
   * same source continue in it. `source` is compared by identity.
   */
  add(lines: Buffer, source?: unknown, continues = false): void {
    if (this.openSource !== undefined && this.openSource !== source) this.append(LINE_END);
    this.append(continues ? lines.subarray(0, lines.length - 1) : lines);
    this.openSource = continues ? source : undefined;
  }

  private append(bytes: Buffer): void {
    const added = bytes.subarray(Math.max(0, bytes.length - this.maxBytes));
    const kept = Math.min(this.length, this.maxBytes - added.length);
    const start = this.length - kept;
    this.length = kept + added.length;
    if (this.length > this.memory.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(this.maxBytes, this.length * 2));
      this.memory.copy(larger, 0, start, start + kept);
      this.memory = larger;
    } else if (start > 0) {
      this.memory.copyWithin(0, start, start + kept);
    }
    added.copy(this.memory, kept);
  }

  /**
   * The last `count` lines, oldest first, each cut to 1,000 characters; fewer when they were long.
   */
  last(count: number): string[] {
    if (this.length === 0 || count <= 0) return [];
    const bytes = this.memory.subarray(0, this.length);
    const end = bytes.at(-1) === LINE_FEED ? bytes.length - 1 : bytes.length;
    let start = end + 1;
    for (let lines = 0; lines < count && start > 0; lines++) {
      start = start < 2 ? 0 : bytes.lastIndexOf(LINE_FEED, start - 2) + 1;
    }
    const lines = bytes.toString('utf8', start, end).split('\n');
    return lines.map((line) => line.slice(0, MAX_LINE_CHARACTERS));
  }
}
