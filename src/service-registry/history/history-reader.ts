import { Injectable } from '@nestjs/common';
import { CHUNK_MS, rawRows, summaryRows } from './health-chunk.js';
import { HealthHistory } from './health-history.js';
import {
  DAY_MS,
  HOUR_MS,
  hoursOf,
  minutesOf,
  type RawRow,
  type Resolution,
  startOf,
  type SummaryRow,
} from './health-rows.js';

/** More than there can be: a year of days, a week of hours, a day in groups. */
const MOST_CHUNKS = 5_000;

/** Rows of one service within a time; what is not summed up yet is summed up here. */
@Injectable()
export class HistoryReader {
  constructor(private readonly history: HealthHistory) {}

  /** All times are milliseconds since 1970, the end left out. The oldest first. */
  async raw(service: string, from: number, until: number): Promise<RawRow[]> {
    const chunks = await this.chunks(service, 'raw', from, until);
    return chunks
      .flatMap(rawRows)
      .filter(({ at }) => at >= from && at < until)
      .sort((a, b) => a.at - b.at);
  }

  async minutes(service: string, from: number, until: number): Promise<SummaryRow[]> {
    const chunks = await this.chunks(service, 'minute', from, until);
    const summed = new Set(chunks.map((chunk) => chunk.from.getTime()));
    const rest = firstMissing(summed, from, until, HOUR_MS);
    // The probes of the hour before reach into this one.
    const raw = rest === undefined ? [] : await this.raw(service, rest - HOUR_MS, until);
    const made = minutesOf(raw).filter(({ at }) => !summed.has(startOf(at, HOUR_MS)));
    return within([...chunks.flatMap(summaryRows), ...made], from, until);
  }

  async hours(service: string, from: number, until: number): Promise<SummaryRow[]> {
    const chunks = await this.chunks(service, 'hour', from, until);
    const summed = new Set(chunks.map((chunk) => chunk.from.getTime()));
    const rest = firstMissing(summed, from, until, DAY_MS);
    const minutes = rest === undefined ? [] : await this.minutes(service, rest, until);
    const made = hoursOf(minutes).filter(({ at }) => !summed.has(startOf(at, DAY_MS)));
    return within([...chunks.flatMap(summaryRows), ...made], from, until);
  }

  private async chunks(service: string, resolution: Resolution, from: number, until: number) {
    const begin = new Date(from - CHUNK_MS[resolution]);
    return this.history.between(service, resolution, begin, new Date(until), MOST_CHUNKS);
  }
}

/** Where what is not summed up begins: the first span that is missing. */
function firstMissing(
  summed: ReadonlySet<number>,
  from: number,
  until: number,
  ms: number,
): number | undefined {
  for (let at = startOf(from, ms); at < until; at += ms) if (!summed.has(at)) return at;
  return undefined;
}

function within(rows: readonly SummaryRow[], from: number, until: number): SummaryRow[] {
  return rows.filter(({ at }) => at >= from && at < until).sort((a, b) => a.at - b.at);
}
