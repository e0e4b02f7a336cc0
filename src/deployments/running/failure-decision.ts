import type { Reason } from '../../engine/plan/run-state.js';
import type { FailureAction, OnFailure } from '../../engine/steps/deploy/deploy-action.js';
import type { FailureRecord } from '../../service-registry/failures/failure-record.js';
import { deploymentReasons } from './deployment-reasons.js';

/** A service that its checks say has failed, and what was done about it. Times in ms since 1970. */
export interface FailedService {
  readonly policy: OnFailure;
  /** Number of the release that serves. */
  readonly release: number;
  readonly failure: { readonly seq: number; readonly reason: Reason };
  /** The newest first, of earlier failures too. */
  readonly records: readonly FailureRecord[];
  /** Whether its checks have had the time to see what the last deployment has put there. */
  readonly isSeen: boolean;
  /**
   * Whether it can go back; `been`: it has, and what it went back to has failed; `unsettled`: that
   * is known in a moment.
   */
  readonly back: 'possible' | 'none' | 'been' | 'unsettled';
}

export type FailureDecision =
  /** Nothing is to be done now. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'act'; readonly action: FailureAction; readonly reason: Reason }
  /** Nothing more is done: it stays failed. */
  | { readonly kind: 'leave'; readonly reason: Reason };

const LONGEST_PAUSE_MS = 600_000;

/** What is done next. Pure: whoever sees the same decides the same. */
export function decideOnFailure(failed: FailedService, now: number): FailureDecision {
  const { policy, release, failure, records, isSeen, back } = failed;
  // Another release that serves meanwhile has its own chances, as far as the budget goes.
  const own = records.filter((one) => one.seq === failure.seq && one.release === release);
  const isOpen = own.every(({ state }) => state !== 'left' && state !== 'decided');
  if (!isOpen || policy.actions.length === 0 || !isSeen) return { kind: 'wait' };
  const since = now - policy.windowMs;
  // What was dropped has used up nothing, and is decided no faster again than what was done.
  const tried = records.filter(({ action, at }) => action !== 'none' && at.getTime() > since);
  const [last] = tried;
  if (last && now < last.at.getTime() + pauseAfter(tried.length, policy)) return { kind: 'wait' };
  const done = tried.filter(({ state }) => state !== 'dropped');
  const restarts = done.filter(({ action }) => action === 'restart').length;
  const { max, windowMs } = policy;
  if (policy.actions.includes('restart') && restarts < max) {
    const which = { number: restarts + 1, max, windowMs };
    const reason = deploymentReasons.failedByChecks(release, failure.reason, which);
    return { kind: 'act', action: 'restart', reason };
  }
  const hasGone = own.some(({ action, state }) => action === 'rollback' && state !== 'dropped');
  const isWanted = policy.actions.includes('rollback') && !hasGone;
  if (isWanted && back === 'unsettled') return { kind: 'wait' };
  if (isWanted && back === 'possible') {
    const reason = deploymentReasons.failedByChecks(release, failure.reason);
    return { kind: 'act', action: 'rollback', reason };
  }
  const why = [
    ...(policy.actions.includes('restart')
      ? [`restarted ${restarts} ${restarts === 1 ? 'time' : 'times'} within ${minutes(windowMs)}`]
      : []),
    ...(policy.actions.includes('rollback') ? [backText(hasGone, back)] : []),
  ];
  return { kind: 'leave', reason: deploymentReasons.leftFailed(release, why) };
}

function pauseAfter(count: number, { backoffMs }: OnFailure): number {
  return Math.min(backoffMs * 2 ** (count - 1), LONGEST_PAUSE_MS);
}

function backText(hasGone: boolean, back: FailedService['back']): string {
  if (hasGone) return 'it could not go back';
  return back === 'none' ? 'there is no release to go back to' : 'it has gone back already';
}

function minutes(ms: number): string {
  return `${Number((ms / 60_000).toFixed(1))} min`;
}
