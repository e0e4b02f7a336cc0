import { Injectable } from '@nestjs/common';
import { validationError } from '../common/errors/millrace.error.js';
import type { Page, PageRequest } from '../common/http/paging.js';
import {
  DAY_MS,
  HOUR_MS,
  type RawRow,
  type Resolution,
  type SummaryRow,
} from './history/health-rows.js';
import type { FailureRecord } from './failures/failure-record.js';
import { FailureRecords } from './failures/failure-records.js';
import { HistoryReader } from './history/history-reader.js';
import { ServiceStore } from './record/service-store.js';
import type { ServiceChange } from './record/watched-service.js';
import type { ServiceView } from './service-view.js';
import { type ServiceName, ServicesService } from './services.service.js';

/** An answer has so many rows at most. */
export const MOST_HISTORY_ROWS = 5_000;
/** What was done by itself, at most so much of it. */
const MOST_ACTIONS = 50;

/** The time that an answer is of, where the request names none. */
const USUAL_MS: Readonly<Record<Resolution, number>> = {
  raw: HOUR_MS,
  minute: DAY_MS,
  hour: 30 * DAY_MS,
};

export interface AskedHistory {
  readonly resolution: Resolution;
  readonly from?: string | undefined;
  readonly until?: string | undefined;
}

export interface ServiceHistory {
  readonly view: ServiceView;
  readonly changes: Page<ServiceChange>;
  /** What was done by itself when it failed, the newest first. */
  readonly actions: readonly FailureRecord[];
  readonly resolution: Resolution;
  readonly from: Date;
  readonly until: Date;
  readonly rows: readonly SummaryRow[];
  readonly probes: readonly RawRow[];
  /** Where the rest begins; null: that is all. */
  readonly moreFrom: Date | null;
}

/** How services were. */
@Injectable()
export class ServiceHealthService {
  constructor(
    private readonly services: ServicesService,
    private readonly store: ServiceStore,
    private readonly reader: HistoryReader,
    private readonly failures: FailureRecords,
  ) {}

  /** @throws NotFoundError, ValidationError: the time ends before it begins */
  async get(name: ServiceName, asked: AskedHistory, page: PageRequest): Promise<ServiceHistory> {
    const view = await this.services.get(name);
    const { resolution } = asked;
    const until = asked.until === undefined ? Date.now() : Date.parse(asked.until);
    const from = asked.from === undefined ? until - USUAL_MS[resolution] : Date.parse(asked.from);
    if (from >= until) {
      throw validationError('The time ends before it begins.', {
        details: [{ path: 'until', code: 'after_from', message: 'until must be after from' }],
        suggestions: ['Leave out `until` for all that there is up to now.'],
      });
    }
    const [changes, actions, rows, probes] = await Promise.all([
      this.store.changes(view.id, page),
      this.failures.of(view.id, MOST_ACTIONS),
      this.rows(view.id, resolution, from, until),
      resolution === 'raw' ? this.reader.raw(view.id, from, until) : [],
    ]);
    const more = (resolution === 'raw' ? probes : rows)[MOST_HISTORY_ROWS];
    return {
      ...{ view, changes, actions, resolution, from: new Date(from), until: new Date(until) },
      rows: rows.slice(0, MOST_HISTORY_ROWS),
      probes: probes.slice(0, MOST_HISTORY_ROWS),
      moreFrom: more ? new Date(more.at) : null,
    };
  }

  private async rows(
    id: string,
    resolution: Resolution,
    from: number,
    until: number,
  ): Promise<readonly SummaryRow[]> {
    switch (resolution) {
      case 'raw':
        return [];
      case 'minute':
        return this.reader.minutes(id, from, until);
      case 'hour':
        return this.reader.hours(id, from, until);
    }
  }
}
