import type { ProbeFailureCode } from '../checks/service-check.js';

export const RESOLUTIONS = ['raw', 'minute', 'hour'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** How long rows are kept, ms. */
export const KEPT_MS: Readonly<Record<Resolution, number>> = {
  raw: DAY_MS,
  minute: 7 * DAY_MS,
  hour: 365 * DAY_MS,
};

/** One probe that counted. */
export interface RawRow {
  readonly url: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly tookMs: number;
  /** null: it passed. */
  readonly failure: ProbeFailureCode | null;
  /** From this probe to the next of the endpoint. */
  readonly intervalMs: number;
}

/** What was seen of a service within a minute or an hour; without a row nobody looked. */
export interface SummaryRow {
  /** When it begins, milliseconds since 1970. */
  readonly at: number;
  readonly probes: number;
  readonly failed: number;
  /** Time of which somebody has looked; the rest is unknown, and not up. */
  readonly observedMs: number;
  readonly averageMs: number;
  readonly maxMs: number;
}

/**
 * A row for each minute in which there was a probe. A probe stands for the time until the next one
 * of its endpoint, in whichever minutes that lies.
 */
export function minutesOf(raw: readonly RawRow[]): SummaryRow[] {
  const minutes = new Map<number, RawRow[]>();
  const seen = new Map<number, Map<string, number>>();
  for (const row of raw) {
    const minute = startOf(row.at, MINUTE_MS);
    minutes.set(minute, [...(minutes.get(minute) ?? []), row]);
    const until = row.at + row.intervalMs;
    for (let at = minute; at < until; at += MINUTE_MS) {
      const part = Math.min(until, at + MINUTE_MS) - Math.max(row.at, at);
      const byUrl = seen.get(at) ?? new Map<string, number>();
      byUrl.set(row.url, Math.min(MINUTE_MS, (byUrl.get(row.url) ?? 0) + part));
      seen.set(at, byUrl);
    }
  }
  return [...minutes]
    .sort(([a], [b]) => a - b)
    .map(([at, rows]) => {
      const took = rows.map(({ tookMs }) => tookMs);
      return {
        at,
        probes: rows.length,
        failed: rows.filter(({ failure }) => failure !== null).length,
        observedMs: Math.round(Math.min(...(seen.get(at)?.values() ?? [0]))),
        averageMs: Math.round(took.reduce((sum, ms) => sum + ms, 0) / took.length),
        maxMs: Math.round(Math.max(...took)),
      };
    });
}

/** A row for each hour of which there are minutes. */
export function hoursOf(minutes: readonly SummaryRow[]): SummaryRow[] {
  const hours = new Map<number, SummaryRow[]>();
  for (const row of minutes) {
    const hour = startOf(row.at, HOUR_MS);
    hours.set(hour, [...(hours.get(hour) ?? []), row]);
  }
  return [...hours]
    .sort(([a], [b]) => a - b)
    .map(([at, rows]) => {
      const total = (of: (row: SummaryRow) => number): number =>
        rows.reduce((sum, row) => sum + of(row), 0);
      const probes = total((row) => row.probes);
      return {
        ...{ at, probes, failed: total(({ failed }) => failed) },
        observedMs: total(({ observedMs }) => observedMs),
        averageMs: Math.round(total((row) => row.averageMs * row.probes) / Math.max(1, probes)),
        maxMs: Math.max(...rows.map(({ maxMs }) => maxMs)),
      };
    });
}

export function startOf(at: number, ms: number): number {
  return Math.floor(at / ms) * ms;
}
