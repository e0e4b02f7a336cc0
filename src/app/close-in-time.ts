import type { Server } from 'node:http';
import { within } from '../common/async/within.js';

/** Requests that are under way at the end get this long; then their connections are cut. */
const DRAIN_MS = 8_000;
/** Below the 15 s after which systemd and compose kill it. */
const END_MS = 12_000;

/** What is ended; a Nest application with a server is one. */
export interface Closable {
  close(): Promise<void>;
  getHttpServer(): Pick<Server, 'closeAllConnections'>;
}

/**
 * Ends an API.
 * @throws Error where parts of it have not ended in time, as one that waits for a store that hangs
 */
export async function closeInTime(
  app: Closable,
  { drainMs = DRAIN_MS, endMs = END_MS } = {},
): Promise<void> {
  const cut = setTimeout(() => app.getHttpServer().closeAllConnections(), drainMs);
  try {
    await within(endMs, app.close(), () => {
      throw new Error(`not all parts have ended within ${endMs / 1000} s`);
    });
  } finally {
    clearTimeout(cut);
  }
}
