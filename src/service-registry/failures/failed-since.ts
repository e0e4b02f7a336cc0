import type { ServiceChange } from '../record/watched-service.js';

/**
 * Number of the change by which a service that has failed now became so. That nobody looked for a
 * while, or that it has not been decided yet, is no end of a failure.
 *
 * @param seq of its last change @param changes the newest first
 */
export function failedSince(
  seq: number,
  changes: readonly Pick<ServiceChange, 'seq' | 'to'>[],
): number {
  let first = seq;
  for (const change of changes.filter((one) => one.seq < seq)) {
    if (change.to === 'failed') first = change.seq;
    else if (change.to !== 'unknown' && change.to !== 'starting') break;
  }
  return first;
}
