import { Injectable } from '@nestjs/common';
import type { Changed } from '../common/audit/changed.js';
import {
  conflict,
  notFound,
  validationError,
  type MillraceError,
} from '../common/errors/millrace.error.js';
import { begun, ended, type Maintenance, windowAt } from './record/maintenance.js';
import { ServiceStore } from './record/service-store.js';
import type { ServiceView } from './service-view.js';
import { type ServiceName, ServicesService } from './services.service.js';

/** As long as a window may be, ms. */
export const LONGEST_MAINTENANCE_MS = 30 * 86_400_000;
const MINUTE_MS = 60_000;
/** Tries against others who change the same. */
const MOST_TRIES = 5;

export interface AskedMaintenance {
  readonly until?: string | undefined;
  readonly minutes?: number | undefined;
  readonly reason?: string | undefined;
}

/** Times in which nobody is told of what becomes of a service, as somebody works on it. */
@Injectable()
export class MaintenanceService {
  constructor(
    private readonly services: ServicesService,
    private readonly store: ServiceStore,
  ) {}

  /**
   * Begins a window now. One that is open ends.
   * @throws NotFoundError, ValidationError
   */
  async begin(name: ServiceName, asked: AskedMaintenance, by: string): Promise<ServiceView> {
    const from = new Date();
    const window = {
      ...{ from, until: endAsked(asked, from), ended_at: null },
      ...{ reason: asked.reason ?? null, by },
    };
    const { id } = await this.services.registered(name, by);
    await this.change(id, (seen) => begun(seen, window));
    return this.services.get(name);
  }

  /** Ends the window that is open, if there is one. @throws NotFoundError */
  async end(name: ServiceName): Promise<Changed<ServiceView>> {
    const { id } = await this.services.get(name);
    const isChanged = await this.change(id, (seen) => {
      const now = new Date();
      return windowAt(seen, now.getTime()) && ended(seen, now);
    });
    return { value: await this.services.get(name), isChanged };
  }

  /** @param to undefined: nothing is to be changed */
  private async change(
    id: string,
    to: (seen: Maintenance) => Maintenance | undefined,
  ): Promise<boolean> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const watched = await this.store.find(id);
      if (watched === undefined) return false;
      const next = to(watched.maintenance);
      if (next === undefined) return false;
      if (await this.store.maintain(id, next)) return true;
    }
    if ((await this.store.find(id)) === undefined) throw notFound('service', id);
    throw maintenanceChanging(id);
  }
}

/** @throws ValidationError */
function endAsked({ until, minutes }: AskedMaintenance, from: Date): Date {
  const wrong = (path: string, code: string, message: string): never => {
    throw validationError('The maintenance cannot be like this.', {
      details: [{ path, code, message: `${path} ${message}` }],
      suggestions: ['Write "minutes": 30, or "until" with a time within the next 30 days.'],
    });
  };
  if ((until === undefined) === (minutes === undefined)) {
    return wrong('until', 'one_of', 'or minutes must say how long it lasts, one of both');
  }
  const end = until === undefined ? +from + (minutes ?? 0) * MINUTE_MS : Date.parse(until);
  if (end <= from.getTime()) return wrong('until', 'in_future', 'must be later than now');
  if (end - from.getTime() > LONGEST_MAINTENANCE_MS) {
    return wrong('until', 'too_long', 'must be within the next 30 days');
  }
  return new Date(end);
}

/** 409 */
export function maintenanceChanging(id: string): MillraceError {
  return conflict(`The maintenance of ${id} is changed by somebody else at this moment.`, {
    suggestions: ['Try again.'],
  });
}
