import type { ProbeFailureCode } from '../checks/service-check.js';
import type { RawRow, Resolution, SummaryRow } from './health-rows.js';

/** Rows of one service, as they are stored: some together, so that there are few documents. */
export interface HealthChunk {
  /** Made of what it holds: stored twice it is one. */
  readonly _id: string;
  /** `environment/name`. */
  readonly service: string;
  readonly resolution: Resolution;
  /** Time of its first row. */
  readonly from: Date;
  /** Names that the rows count by. */
  readonly urls: readonly string[];
  readonly codes: readonly string[];
  /** Of each row six numbers. */
  readonly numbers: readonly number[];
}

/** From its first row to its last one a chunk spans no more, ms. */
export const CHUNK_MS: Readonly<Record<Resolution, number>> = {
  raw: 600_000,
  minute: 3_600_000,
  hour: 86_400_000,
};

const NUMBERS = 6;

/** @param rows at least one, the oldest first */
export function rawChunk(service: string, rows: readonly RawRow[]): HealthChunk {
  const from = rows[0]?.at ?? 0;
  const urls = [...new Set(rows.map(({ url }) => url))];
  const codes = [...new Set(rows.map(({ failure }) => failure ?? ''))];
  const numbers = rows.flatMap(({ at, url, tookMs, failure, intervalMs }) => [
    ...[at - from, urls.indexOf(url), Math.round(tookMs)],
    ...[codes.indexOf(failure ?? ''), intervalMs, 0],
  ]);
  return chunk(service, 'raw', from, { urls, codes, numbers });
}

export function rawRows({ from, urls, codes, numbers }: HealthChunk): RawRow[] {
  return rowsOf(numbers).map(([offset = 0, url = 0, tookMs = 0, code = 0, intervalMs = 0]) => ({
    ...{ at: from.getTime() + offset, url: urls[url] ?? '', tookMs, intervalMs },
    failure: (codes[code] || null) as ProbeFailureCode | null,
  }));
}

/** @param from of the hour or the day that it is of, milliseconds since 1970 */
export function summaryChunk(
  service: string,
  resolution: 'minute' | 'hour',
  from: number,
  rows: readonly SummaryRow[],
): HealthChunk {
  const numbers = rows.flatMap(({ at, probes, failed, observedMs, averageMs, maxMs }) => [
    ...[at - from, probes, failed, observedMs, averageMs, maxMs],
  ]);
  return chunk(service, resolution, from, { urls: [], codes: [], numbers });
}

export function summaryRows({ from, numbers }: HealthChunk): SummaryRow[] {
  return rowsOf(numbers).map((row) => {
    const [offset = 0, probes = 0, failed = 0, observedMs = 0, averageMs = 0, maxMs = 0] = row;
    return { at: from.getTime() + offset, probes, failed, observedMs, averageMs, maxMs };
  });
}

export function chunkId(service: string, resolution: Resolution, from: number): string {
  return `${service}:${resolution}:${from}`;
}

function chunk(
  service: string,
  resolution: Resolution,
  from: number,
  rest: Pick<HealthChunk, 'urls' | 'codes' | 'numbers'>,
): HealthChunk {
  return {
    ...{ _id: chunkId(service, resolution, from), service, resolution, from: new Date(from) },
    ...rest,
  };
}

function rowsOf(numbers: readonly number[]): number[][] {
  return Array.from({ length: Math.floor(numbers.length / NUMBERS) }, (_, index) =>
    numbers.slice(index * NUMBERS, (index + 1) * NUMBERS),
  );
}
