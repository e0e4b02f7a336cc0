import type { NetworkResult } from '../../integrations/container-runtime/container-runtime.js';

/** Until an engine whose addresses are all in use is asked for a network again, ms. */
export const NETWORK_AGAIN_MS = 2_000;

export type AwaitedNetwork = Exclude<NetworkResult, { readonly kind: 'full' }>;

/**
 * Opens a network, and waits while the engine has no address for it: those that others use come
 * back when their executions end. `tell` hears of it once.
 *
 * @param pause waits for so many ms, or until the signal is aborted
 * @throws the reason of the signal
 */
export async function awaitNetwork(
  open: () => Promise<NetworkResult>,
  tell: (line: string) => void,
  pause: (ms: number) => Promise<unknown>,
  signal: AbortSignal,
): Promise<AwaitedNetwork> {
  for (let isTold = false; ; isTold = true) {
    signal.throwIfAborted();
    const opened = await open();
    if (opened.kind !== 'full') return opened;
    if (!isTold) {
      tell(`Waits for a network: all addresses of the engine are in use (${opened.message}).`);
    }
    await pause(NETWORK_AGAIN_MS);
  }
}
