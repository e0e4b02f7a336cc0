import type { ServiceCheck } from '../../service-registry/checks/service-check.js';
import type { ServiceStatus } from '../../service-registry/checks/service-status.js';
import type { ServiceChange } from '../../service-registry/record/watched-service.js';

/** `settle`: nobody is told, but it is so from now on; `skip`: it is no news. */
export type Verdict = 'tell' | 'settle' | 'skip';

export function isBad(status: ServiceStatus): boolean {
  return status === 'failed' || status === 'degraded';
}

/**
 * Whether people are to be told that a service has become so. A stop is somebody's will, and is
 * told only as the end of what was told before; that nobody has looked is told of the monitor.
 */
export function verdictOn(told: ServiceStatus, to: ServiceStatus): Verdict {
  switch (to) {
    case 'starting':
    case 'unknown':
      return 'skip';
    case 'failed':
    case 'degraded':
      return told === to ? 'settle' : 'tell';
    case 'running':
    case 'stopped':
      return isBad(told) ? 'tell' : 'settle';
  }
}

/** A time in which nobody is told. Milliseconds since 1970; `until` null: it is not over. */
export interface QuietTime {
  readonly from: number;
  readonly until: number | null;
}

/** `wait`: it is decided when the time is over; `replaced`: another change came within it. */
export type Quiet = 'none' | 'wait' | 'replaced';

/** @param later the changes after it, in order */
export function quietOf(
  { at }: Pick<ServiceChange, 'at'>,
  later: readonly Pick<ServiceChange, 'at'>[],
  times: readonly QuietTime[],
): Quiet {
  let isReplaced = false;
  for (const { from, until } of times) {
    if (at.getTime() < from || (until !== null && at.getTime() >= until)) continue;
    if (until === null) return 'wait';
    isReplaced ||= later.some((one) => one.at.getTime() < until);
  }
  return isReplaced ? 'replaced' : 'none';
}

const LONGEST_WAIT_MS = 300_000;

/**
 * How long the alert of a service waits for what it needs: until each of those was asked once more,
 * and as often as its own check wants before it says that it fails. Milliseconds, at most 5
 * minutes.
 */
export function waitForRoots(own: ServiceCheck, needed: readonly ServiceCheck[]): number {
  const spans = needed.map((check) => {
    const once = (check.interval_seconds + check.timeout_seconds) * 1000;
    const more = (check.down * check.interval_seconds - own.down * own.interval_seconds) * 1000;
    return once + Math.max(0, more);
  });
  return Math.min(LONGEST_WAIT_MS, Math.max(0, ...spans));
}

/**
 * The last change to a state that lay, in part, within a time; undefined: it was not in it then.
 * @param changes the newest first @param from, to milliseconds since 1970
 */
export function lastWithin(
  changes: readonly ServiceChange[],
  states: readonly ServiceStatus[],
  from: number,
  to: number,
): ServiceChange | undefined {
  let end = Infinity;
  for (const change of changes) {
    const at = change.at.getTime();
    if (end < from) return undefined;
    if (at <= to && end >= from && states.includes(change.to)) return change;
    end = at;
  }
  return undefined;
}
