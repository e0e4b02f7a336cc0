/**
 * What a worker does again and again beside its executions. Each duty is on its own: one that fails
 * or takes long keeps no other from its turn.
 */
export class WorkerDuties {
  private readonly duties = new Map<string, () => Promise<void>>();
  private readonly underWay = new Map<string, Promise<void>>();

  /** `onProblem` is called for a duty that failed; its next turn tries again. */
  constructor(private readonly onProblem: (name: string, error: unknown) => void) {}

  add(name: string, duty: () => Promise<void>): void {
    this.duties.set(name, duty);
  }

  /** Begins every duty whose last turn is over. */
  begin(): void {
    for (const [name, duty] of this.duties) {
      if (this.underWay.has(name)) continue;
      const turn = Promise.resolve()
        .then(duty)
        .catch((error: unknown) => this.onProblem(name, error))
        .finally(() => this.underWay.delete(name));
      this.underWay.set(name, turn);
    }
  }
}
