import { OUTBOX_GRACE_MS } from '../record/outbox-event.js';

const LONGEST_MS = 10 * 60_000;

/**
 * How long news rest after they were refused so often; before the first try it is the time of who
 * made them.
 */
export function retryDelayMs(tries: number): number {
  return Math.min(OUTBOX_GRACE_MS * 2 ** Math.min(tries, 20), LONGEST_MS);
}
