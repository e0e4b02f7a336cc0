/** Does the works of one key one after another, in the order in which they came. */
export class OneByOne {
  /** Of each key with work: resolves when the last one that came has ended. */
  private readonly ends = new Map<string, Promise<unknown>>();

  /** @throws what `work` throws; the reason of the signal where it was not begun by then */
  async run<T>(key: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const before = this.ends.get(key) ?? Promise.resolve();
    const own = Promise.withResolvers<void>();
    // Whoever goes away while it waits does not let those behind it pass.
    const end = before.then(() => own.promise);
    this.ends.set(key, end);
    void end.then(() => {
      if (this.ends.get(key) === end) this.ends.delete(key);
    });
    try {
      await orAborted(before, signal);
      return await work();
    } finally {
      own.resolve();
    }
  }
}

async function orAborted(waited: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<void>();
  const stop = (): void => aborted.resolve();
  signal.addEventListener('abort', stop, { once: true });
  await Promise.race([waited, aborted.promise]);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
}
