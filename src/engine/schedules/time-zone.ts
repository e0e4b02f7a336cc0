const MINUTE_MS = 60_000;
/** More than any zone is away from UTC, and more than any has ever jumped. */
const FAR_MS = 36 * 60 * MINUTE_MS;
const MAX_ZONES = 1_000;

/** What the clocks of a zone do around a local time. */
export type LocalTime =
  /** It comes at these instants, the first one first; two where the clocks are put back. */
  | { readonly kind: 'comes'; readonly at: readonly [number, ...number[]] }
  /**
   * The clocks are put forward over it. `validAt`: the first instant after the gap; `shifted`: when
   * it would have come without the change.
   */
  | { readonly kind: 'left_out'; readonly validAt: number; readonly shifted: number };

/**
 * A time zone by its name. Local times are given as the milliseconds that they would have in UTC;
 * all in milliseconds since the epoch.
 */
export class TimeZone {
  private static readonly known = new Map<string, TimeZone>();
  private readonly format: Intl.DateTimeFormat;

  private constructor(readonly name: string) {
    this.format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** @throws RangeError: there is no such zone */
  static of(name: string): TimeZone {
    let zone = TimeZone.known.get(name);
    if (zone === undefined) {
      zone = new TimeZone(name);
      // One name may be written in many ways (`utc`, `Utc`).
      if (TimeZone.known.size >= MAX_ZONES) TimeZone.known.clear();
      TimeZone.known.set(name, zone);
    }
    return zone;
  }

  localAt(instant: number): number {
    return instant + this.offsetAt(instant);
  }

  /** Undefined: the clocks are not changed within 36 hours of it; else it may be that they are. */
  steadyOffset(local: number): number | undefined {
    const before = this.offsetAt(local - FAR_MS);
    return before === this.offsetAt(local + FAR_MS) ? before : undefined;
  }

  resolve(local: number): LocalTime {
    const before = this.offsetAt(local - FAR_MS);
    const after = this.offsetAt(local + FAR_MS);
    const [first, ...more] = [...new Set([local - before, local - after])]
      .filter((instant) => this.localAt(instant) === local)
      .sort((a, b) => a - b);
    if (first !== undefined) return { kind: 'comes', at: [first, ...more] };
    return { kind: 'left_out', validAt: this.changeNear(local), shifted: local - before };
  }

  /** The first instant whose local time is after one that is left out. */
  private changeNear(local: number): number {
    let low = Math.floor((local - FAR_MS) / MINUTE_MS);
    let high = Math.ceil((local + FAR_MS) / MINUTE_MS);
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.localAt(middle * MINUTE_MS) > local) high = middle;
      else low = middle;
    }
    return high * MINUTE_MS;
  }

  private offsetAt(instant: number): number {
    const parts = new Map(
      this.format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]),
    );
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const local = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return local - Math.floor(instant / 1_000) * 1_000;
  }
}
