import { Injectable } from '@nestjs/common';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { Leases } from '../../leases/leases.js';
import { FailureRecords } from '../failures/failure-records.js';
import { ServiceStore } from '../record/service-store.js';
import { summaryChunk } from './health-chunk.js';
import { HealthHistory } from './health-history.js';
import { DAY_MS, HOUR_MS, KEPT_MS, RESOLUTIONS, type Resolution, startOf } from './health-rows.js';
import { HistoryReader } from './history-reader.js';

const ROUND_MS = 300_000;
const FIRST_MS = 60_000;
const TURN_MS = 60_000;
/** An hour or a day is summed up when its last rows are stored for sure, ms after its end. */
const SETTLED_MS = 900_000;
/** As much of what is kept is summed up later, after an outage. */
const CATCH_UP_MS: Readonly<Record<'minute' | 'hour', number>> = {
  minute: KEPT_MS.raw - HOUR_MS,
  hour: KEPT_MS.minute - DAY_MS,
};

/**
 * Sums up the history of services: probes to minutes, hour by hour, and minutes to hours, day by
 * day; and removes rows at their age. One process at a time; what two do at once is the same.
 */
@Injectable()
export class HistoryKeeper extends BackgroundRounds {
  /** All before is summed up (milliseconds since 1970), by what this process knows. */
  private readonly doneUntil = new Map<Resolution, number>();

  constructor(
    private readonly history: HealthHistory,
    private readonly reader: HistoryReader,
    private readonly store: ServiceStore,
    private readonly leases: Leases,
    private readonly failures: FailureRecords,
  ) {
    super({ everyMs: ROUND_MS, firstAfterMs: FIRST_MS, unref: true });
  }

  protected async work(now: number): Promise<void> {
    const lease = await this.leases.take('services.history', TURN_MS);
    if (lease === undefined) return;
    try {
      await this.sumUp('minute', HOUR_MS, now);
      await this.sumUp('hour', DAY_MS, now);
      for (const resolution of RESOLUTIONS) {
        await this.history.removeBefore(resolution, new Date(now - KEPT_MS[resolution]));
      }
      const oldest = new Date(now - KEPT_MS.hour);
      await this.store.removeChangesBefore(oldest);
      await this.failures.removeBefore(oldest);
    } finally {
      await lease.release();
    }
  }

  private async sumUp(resolution: 'minute' | 'hour', span: number, now: number): Promise<void> {
    const end = startOf(now - SETTLED_MS, span);
    const first = startOf(now - CATCH_UP_MS[resolution], span);
    let from = Math.max(first, this.doneUntil.get(resolution) ?? 0);
    for (; from < end && !this.isStopping; from += span) {
      await this.sumUpSpan(resolution, from, from + span);
      this.doneUntil.set(resolution, from + span);
    }
  }

  private async sumUpSpan(
    resolution: 'minute' | 'hour',
    from: number,
    until: number,
  ): Promise<void> {
    const finer = resolution === 'minute' ? 'raw' : 'minute';
    // What begins a little before reaches into it.
    const begin = new Date(resolution === 'minute' ? from - SETTLED_MS : from);
    const services = await this.history.services(finer, begin, new Date(until));
    const done = await this.history.services(resolution, new Date(from), new Date(from + 1));
    for (const service of services.filter((one) => !done.includes(one))) {
      if (this.isStopping) return;
      const rows =
        resolution === 'minute'
          ? await this.reader.minutes(service, from, until)
          : await this.reader.hours(service, from, until);
      if (rows.length > 0)
        await this.history.insert([summaryChunk(service, resolution, from, rows)]);
    }
  }
}
