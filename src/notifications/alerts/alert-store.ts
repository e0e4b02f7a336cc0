import type { Page, PageRequest } from '../../common/http/paging.js';
import type { Alert } from './alert.js';
import type { AlertState } from './alert-state.js';

/**
 * Port: alerts, and how far each service has been told of. All methods may be called concurrently
 * and from several processes, and reject when the store is away; every write may be repeated.
 * Adapters: the database and memory.
 */
export abstract class AlertStore {
  /** One that is stored already stays as it is. */
  abstract insert(alert: Alert): Promise<void>;
  abstract find(id: string): Promise<Alert | undefined>;
  /** Stores the next version. False: there is another version by now, or none. */
  abstract save(next: Alert): Promise<boolean>;
  /** That are due, those first that have been so for longest. */
  abstract due(at: Date, limit: number): Promise<readonly Alert[]>;
  /** Of one subject, those that are not over, the oldest first. */
  abstract open(subject: string, limit: number): Promise<readonly Alert[]>;
  /** Of one subject, the newest first; the sort key is the id. */
  abstract page(subject: string, page: PageRequest): Promise<Page<Alert>>;
  abstract removeBefore(time: Date): Promise<void>;

  /** By the subjects. */
  abstract states(): Promise<ReadonlyMap<string, AlertState>>;
  /** Stores the next version, the first being 1. False: there is another version by now. */
  abstract saveState(next: AlertState): Promise<boolean>;
  /** Idempotent. */
  abstract removeState(subject: string): Promise<void>;
}
