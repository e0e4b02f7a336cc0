/**
 * Since when things were seen in one state, by this process's monotonic clock: the clocks of other
 * machines, which wrote their times, may be ahead of ours by hours.
 */
export class SeenSince<T> {
  private since = new Map<string, number>();

  /**
   * @param keyOf names a thing and its state: with another key it is seen for the first time
   * @param monotonic milliseconds
   */
  constructor(
    private readonly keyOf: (thing: T) => string,
    private readonly monotonic: () => number = () => performance.now(),
  ) {}

  /**
   * Milliseconds for which each of `things` was among those of every call since, in their order.
   * What is not among them is forgotten.
   */
  ages(things: readonly T[]): readonly number[] {
    const now = this.monotonic();
    const before = this.since;
    this.since = new Map(
      things.map((thing) => {
        const key = this.keyOf(thing);
        return [key, before.get(key) ?? now];
      }),
    );
    return things.map((thing) => now - (this.since.get(this.keyOf(thing)) ?? now));
  }
}
