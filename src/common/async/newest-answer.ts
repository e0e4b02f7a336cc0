/** Of questions that overlap the answer to the newest one counts, in whatever order they end. */
export class NewestAnswer<T> {
  private asked = 0;
  private newest: { readonly number: number; readonly value: T } | undefined;

  constructor(private readonly question: () => Promise<T>) {}

  /**
   * Asks.
   *
   * @returns the answer; that to a later question, where it has come before
   * @throws what the question throws; the answers before it stay what they were
   */
  async ask(): Promise<T> {
    this.asked += 1;
    const number = this.asked;
    const value = await this.question();
    if (this.newest === undefined || this.newest.number < number) this.newest = { number, value };
    return this.newest.value;
  }
}
