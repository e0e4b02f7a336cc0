const MOST_BYTES = 4 * 1024;

/** The end of an output. */
export class OutputTail {
  private kept = Buffer.alloc(0);

  add(chunk: Buffer): void {
    const all = Buffer.concat([this.kept, chunk]);
    this.kept = all.subarray(Math.max(0, all.length - MOST_BYTES));
  }

  /** Without white space around it. */
  get text(): string {
    return this.kept.toString('utf8').trim();
  }
}
