import type { FailureRecord, FailureRecordState } from './failure-record.js';

/**
 * Port: what was done by itself to services that failed. All methods may be called concurrently and
 * from several processes, and reject when the store is away; every write may be repeated. Adapters:
 * the database and memory.
 */
export abstract class FailureRecords {
  /**
   * False: another process has stored one of this id. A repeated call with the same deployment is
   * the same record.
   */
  abstract add(record: FailureRecord): Promise<boolean>;
  /** Of one that is `decided`; any other one stays as it is. */
  abstract settle(id: string, state: Exclude<FailureRecordState, 'decided'>): Promise<void>;
  /** Of one service, the newest first; at most `limit`. */
  abstract of(service: string, limit: number): Promise<readonly FailureRecord[]>;
  /** All that are `decided`, in the order of their ids. */
  abstract decided(): Promise<readonly FailureRecord[]>;
  abstract removeOf(service: string): Promise<void>;
  abstract removeBefore(time: Date): Promise<void>;
}
