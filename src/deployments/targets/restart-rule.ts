import type { RestartLimit } from '../../engine/steps/deploy/deploy-action.js';
import type { RestartRule } from '../../common/restart-policy.js';

/** @param pauses where the limit names no first one; a longer first one is the longest, too */
export function restartRule(
  { max, windowMs, backoffMs: first = 0 }: RestartLimit,
  pauses: RestartRule['backoff_ms'],
): RestartRule {
  const backoff_ms = first === 0 ? pauses : { first, most: Math.max(first, pauses.most) };
  return { max, window_ms: windowMs, backoff_ms };
}
