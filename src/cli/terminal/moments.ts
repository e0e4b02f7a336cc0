const FORMAT: Intl.DateTimeFormatOptions = {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
};

/** Points in time for people: their own time, and how long ago that is. */
export class Moments {
  private readonly format: Intl.DateTimeFormat;

  /** `timeZone`: an IANA name; default that of this machine. */
  constructor(
    private readonly now: number = Date.now(),
    timeZone?: string,
  ) {
    this.format = new Intl.DateTimeFormat('en-GB', {
      ...FORMAT,
      ...(timeZone ? { timeZone } : {}),
    });
  }

  /** `2026-01-31 13:00:05 (3 min ago)`; `-` when there is none. */
  full(iso: string | null | undefined): string {
    return iso ? `${this.local(iso)} (${this.ago(iso)})` : '-';
  }

  /** `2026-01-31 13:00:05` */
  local(iso: string): string {
    const parts = new Map(
      this.format.formatToParts(new Date(iso)).map(({ type, value }) => [type, value]),
    );
    const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
    const date = `${part('year')}-${part('month')}-${part('day')}`;
    return `${date} ${part('hour')}:${part('minute')}:${part('second')}`;
  }

  /** `3 min ago`; a clock of the server that runs ahead of ours counts as now. */
  ago(iso: string): string {
    const seconds = Math.max(0, Math.round((this.now - Date.parse(iso)) / 1_000));
    if (seconds < 60) return `${seconds} s ago`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min ago`;
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return `${hours} h ago`;
    return `${Math.floor(hours / 24)} d ago`;
  }

  /** Milliseconds from a point in time until now. */
  since(iso: string): number {
    return Math.max(0, this.now - Date.parse(iso));
  }
}
