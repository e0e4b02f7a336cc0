import type { Reason } from '../../engine/plan/run-state.js';

/** `none`: nothing more is done by itself. */
export type DoneOnFailure = 'restart' | 'rollback' | 'none';

/**
 * `decided`: it is about to be asked for; `begun`: its deployment says what became of it;
 * `dropped`: it was needed no more before it was asked for; `left`: the service stays failed.
 */
export type FailureRecordState = 'decided' | 'begun' | 'dropped' | 'left';

/** One thing that was decided by itself when the checks of a service said that it has failed. */
export interface FailureRecord {
  /** {@link failureRecordId} */
  readonly _id: string;
  /** `environment/name`. */
  readonly service: string;
  /** Number of the change to `failed` that it answers. */
  readonly seq: number;
  /** From 1, for each such change. */
  readonly attempt: number;
  readonly action: DoneOnFailure;
  /** Number of the release that had failed. */
  readonly release: number;
  readonly reason: Reason;
  /** That does it; null: nothing is done. */
  readonly deployment_id: string | null;
  readonly state: FailureRecordState;
  readonly at: Date;
}

/** Two processes that decide the same mean one record. In order of time for each service. */
export function failureRecordId(service: string, seq: number, attempt: number): string {
  return `${service}:${String(seq).padStart(10, '0')}:${String(attempt).padStart(5, '0')}`;
}
