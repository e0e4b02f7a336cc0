import type { ServiceStatus } from '../../service-registry/checks/service-status.js';
import type { WatchedService } from '../../service-registry/record/watched-service.js';

/** What people know of a service. */
export interface AlertState {
  /** UUID of the service. */
  readonly _id: string;
  /** `environment/name`. */
  readonly service: string;
  /** Number of the last change of state that was decided on. */
  readonly seq: number;
  /** The state that people take it to be in. */
  readonly told: ServiceStatus;
  /** Id of the alert that told of it; null: none has. */
  readonly alert: string | null;
  /** Number of the change that is not told, as another service is its cause; null: none. */
  readonly held: number | null;
  readonly version: number;
}

/** Of one that is new: what happens from now on is told. */
export function newState({ id, _id, health }: WatchedService): AlertState {
  const status = health?.status ?? 'running';
  const isKnown = status === 'failed' || status === 'degraded' || status === 'stopped';
  return {
    ...{ _id: id, service: _id, seq: health?.seq ?? 0, told: isKnown ? status : 'running' },
    ...{ alert: null, held: null, version: 1 },
  };
}
