import { type Cron, parseCron } from '../definition/cron.js';
import { TimeZone } from './time-zone.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** 29 February on a given day of the week may be 40 years away. */
const FARTHEST_DAYS = 41 * 366;

/** When something is to be started, again and again. */
export interface ScheduleRule {
  /** Five fields; `cronProblem` finds nothing wrong with it. */
  readonly cron: string;
  /** Name of a time zone. */
  readonly timezone: string;
}

/**
 * The instants of a schedule, in milliseconds since the epoch. All are whole minutes. How a change
 * of the clocks is met is in ADR 35.
 */
export class ScheduleTimes {
  private readonly cron: Cron;
  private readonly zone: TimeZone;

  constructor({ cron, timezone }: ScheduleRule) {
    this.cron = parseCron(cron);
    this.zone = TimeZone.of(timezone);
  }

  /** The first ones after an instant. */
  next(after: number, count: number): number[] {
    const found: number[] = [];
    const today = startOfDay(this.zone.localAt(after));
    // What the day before was put off may come today.
    for (let day = -1; day < FARTHEST_DAYS && found.length < count; day++) {
      const ticks = this.ofDay(today + day * DAY_MS);
      const last = found.at(-1) ?? after;
      found.push(...ticks.filter((instant) => instant > last));
    }
    return found.slice(0, count);
  }

  /** The last one after `after` and not after `until`. */
  newest(after: number, until: number): number | undefined {
    const firstDay = startOfDay(this.zone.localAt(after)) - DAY_MS;
    for (let day = startOfDay(this.zone.localAt(until)); day >= firstDay; day -= DAY_MS) {
      const newest = this.ofDay(day).findLast((instant) => instant > after && instant <= until);
      if (newest !== undefined) return newest;
    }
    return undefined;
  }

  /** @param day its midnight, as a local time */
  private ofDay(day: number): readonly number[] {
    if (!this.fits(new Date(day))) return [];
    const { hours, minutes } = this.cron;
    const locals = hours.flatMap((hour) =>
      minutes.map((minute) => day + (hour * 60 + minute) * MINUTE_MS),
    );
    const offset = this.zone.steadyOffset(day + DAY_MS / 2);
    if (offset !== undefined) return locals.map((local) => local - offset);
    return [...new Set(locals.flatMap((local) => this.instantsOf(local)))].sort((a, b) => a - b);
  }

  private instantsOf(local: number): readonly number[] {
    const { keepsInterval } = this.cron;
    const time = this.zone.resolve(local);
    if (time.kind === 'left_out') return [keepsInterval ? time.shifted : time.validAt];
    return keepsInterval ? time.at : [time.at[0]];
  }

  private fits(day: Date): boolean {
    const { months, daysOfMonth, daysOfWeek, anyDayFits } = this.cron;
    if (!months.has(day.getUTCMonth() + 1)) return false;
    const isDayOfMonth = daysOfMonth.has(day.getUTCDate());
    const isDayOfWeek = daysOfWeek.has(day.getUTCDay());
    return anyDayFits ? isDayOfMonth || isDayOfWeek : isDayOfMonth && isDayOfWeek;
  }
}

function startOfDay(local: number): number {
  return Math.floor(local / DAY_MS) * DAY_MS;
}
