import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again until the answer is not `undefined`; what `probe` throws ends the waiting. */
export async function eventually<T>(
  probe: () => T | undefined | Promise<T | undefined>,
  timeoutMs = 30_000,
): Promise<T> {
  const giveUpAt = performance.now() + timeoutMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (performance.now() > giveUpAt) throw new Error(`not so within ${timeoutMs} ms`);
    await sleep(20);
  }
}
