/** Lets a number of probes be under way at once; the others wait in their order. */
export class ProbePlaces {
  private readonly waiting: (() => void)[] = [];
  private taken = 0;

  constructor(private readonly most: number) {}

  /** Rejects as the work does, whose place is free then. */
  async within(work: () => Promise<void>): Promise<void> {
    if (this.taken >= this.most) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else this.taken += 1;
    try {
      await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.taken -= 1;
    }
  }
}
