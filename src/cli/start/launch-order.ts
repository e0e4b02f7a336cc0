import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from './server-process.js';

/** An API that is not ready by then does not keep the workers from what is queued, ms. */
const API_ALONE_MS = 2_000;

/**
 * Starts the API, and the workers when it is ready: each takes a second of a core to load its code,
 * and as long as all do that at once, nothing can be accepted.
 *
 * @throws CommandError when the API ended before it was ready
 */
export async function launchInOrder(
  api: Pick<ServerProcess, 'start' | 'firstReady'> | undefined,
  workers: readonly Pick<ServerProcess, 'start'>[],
  stop?: AbortSignal,
): Promise<void> {
  if (api !== undefined) {
    api.start();
    const enough = new AbortController();
    const { signal } = enough;
    const late = sleep(API_ALONE_MS, undefined, { signal }).catch(() => undefined);
    await Promise.race([api.firstReady(), late]).finally(() => enough.abort());
  }
  if (stop?.aborted) return;
  for (const worker of workers) worker.start();
}
