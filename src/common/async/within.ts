/**
 * What `work` gives, or what `late` gives (or throws) when `work` has not ended after `ms`
 * milliseconds. `work` continues; what it gives or throws after that is not heard.
 */
export function within<T, L>(ms: number, work: Promise<T>, late: () => L): Promise<T | L> {
  return new Promise((resolve, reject) => {
    // A throw of `late` rejects, as a throw in any `then` does.
    const timer = setTimeout(() => resolve(Promise.resolve().then(late)), ms);
    const end = (tell: () => void): void => {
      clearTimeout(timer);
      tell();
    };
    work.then(
      (value) => end(() => resolve(value)),
      (error: Error) => end(() => reject(error)),
    );
  });
}

/** Waits until all of `work` has ended, however it ended, at most `ms` milliseconds. */
export async function settledWithin(ms: number, work: readonly Promise<unknown>[]): Promise<void> {
  if (ms <= 0 || work.length === 0) return;
  await within(ms, Promise.allSettled(work), () => undefined);
}
