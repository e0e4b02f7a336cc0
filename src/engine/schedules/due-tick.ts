import { ScheduleTimes, type ScheduleRule } from './schedule-times.js';

const DAY_MS = 24 * 3_600_000;
/** A tick that is not older has not been missed: the server is a little late. */
const ON_TIME_MS = 60_000;
/** Farther back no tick is looked for. */
const FARTHEST_BACK_MS = 400 * DAY_MS;

export interface DueRule extends ScheduleRule {
  /** Whether a missed tick is made up for. */
  readonly catchUp: boolean;
}

/** The newest tick of a rule that nobody has decided yet. */
export interface DueTick {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly lateMs: number;
  /**
   * `late` is started although it was missed; `too_old` and `no_catch_up` are missed for good.
   */
  readonly kind: 'on_time' | 'late' | 'too_old' | 'no_catch_up';
}

/**
 * Which tick is to be decided now; undefined: none. Of several that were missed it is the newest,
 * the others are over. Pure.
 * @param since all ticks up to this instant are decided
 */
export function dueTick(rule: DueRule, since: number, now: number): DueTick | undefined {
  const from = Math.max(since, now - FARTHEST_BACK_MS);
  const at = new ScheduleTimes(rule).newest(from, now);
  if (at === undefined) return undefined;
  const lateMs = now - at;
  return { at, lateMs, kind: kindOf(rule, lateMs) };
}

function kindOf({ catchUp }: DueRule, lateMs: number): DueTick['kind'] {
  if (lateMs <= ON_TIME_MS) return 'on_time';
  if (!catchUp) return 'no_catch_up';
  return lateMs < DAY_MS ? 'late' : 'too_old';
}
