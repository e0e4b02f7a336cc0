import { Injectable } from '@nestjs/common';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { CHUNK_MS, rawChunk } from './health-chunk.js';
import { HealthHistory } from './health-history.js';
import type { RawRow } from './health-rows.js';

const ROUND_MS = 10_000;
/** Rows of a service are stored together when the oldest of them is so old, ms. */
export const GROUP_MS = 300_000;
/** Of one service, while the store is away: the oldest of more are lost, as not observed. */
export const MOST_ROWS = 2_000;

/**
 * Takes every probe that counted, and stores those of a service in groups. What a process that is
 * killed had not stored yet is lost, and counts as not observed.
 */
@Injectable()
export class ProbeRows extends BackgroundRounds {
  private readonly rows = new Map<string, RawRow[]>();

  constructor(private readonly history: HealthHistory) {
    super({ everyMs: ROUND_MS, unref: true });
  }

  add(service: string, row: RawRow): void {
    const rows = this.rows.get(service) ?? [];
    this.rows.set(service, rows);
    rows.push(row);
    if (rows.length > MOST_ROWS) rows.shift();
  }

  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    try {
      await this.store(Infinity);
    } catch (error) {
      this.logger.warn({ err: error }, 'the last minutes of the history of services were lost');
    }
  }

  protected async work(now: number): Promise<void> {
    await this.store(now - GROUP_MS);
  }

  /** Of services whose oldest row is not younger. */
  private async store(before: number): Promise<void> {
    const due = [...this.rows].filter(
      ([, [oldest]]) => oldest !== undefined && oldest.at <= before,
    );
    if (due.length === 0) return;
    const taken = due.map(([service, rows]) => ({ service, rows: [...rows] }));
    const chunks = taken.flatMap(({ service, rows }) =>
      inSpans(rows).map((some) => rawChunk(service, some)),
    );
    await this.history.insert(chunks);
    for (const { service, rows } of taken) {
      const left = (this.rows.get(service) ?? []).filter((row) => !rows.includes(row));
      if (left.length === 0) this.rows.delete(service);
      else this.rows.set(service, left);
    }
  }
}

/** No chunk may span more than it may. */
function inSpans(rows: readonly RawRow[]): RawRow[][] {
  const spans: RawRow[][] = [];
  for (const row of [...rows].sort((a, b) => a.at - b.at)) {
    const last = spans.at(-1);
    const first = last?.[0];
    if (last && first && row.at - first.at < CHUNK_MS.raw) last.push(row);
    else spans.push([row]);
  }
  return spans;
}
