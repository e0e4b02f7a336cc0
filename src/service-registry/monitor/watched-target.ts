import type { Reason } from '../../engine/plan/run-state.js';
import { checkUrl } from '../checks/instance-target.js';
import type { ServiceCheck } from '../checks/service-check.js';
import type { DeployedService } from '../deployed-services.js';
import { checksOf } from '../instance-checks.js';
import type { ProbeTarget } from '../probing/prober.js';
import type { ServiceChange, ServiceHealth, WatchedService } from '../record/watched-service.js';

/** A service as a monitor takes it. */
export interface WatchedTarget {
  /** `environment/name`. */
  readonly id: string;
  readonly check: ServiceCheck;
  readonly endpoints: readonly ProbeTarget[];
  /** It is meant to be stopped: nothing is asked. */
  readonly isStopped: boolean;
  /** What its deployment knows against it; null: nothing. */
  readonly problem: Reason | null;
  readonly ttlMs: number | null;
  readonly beat: string | null;
  readonly health: ServiceHealth | null;
  readonly outbox: readonly ServiceChange[];
}

/** @param host of the monitor; undefined: of what was registered by hand */
export function watchedTarget(
  watched: WatchedService,
  deployed: DeployedService | undefined,
  host?: string,
): WatchedTarget {
  const { _id: id, check, health, outbox, beat, ttl_seconds: ttl } = watched;
  const isStopped = deployed?.status === 'stopped';
  const problem = deployed?.problem ?? null;
  const isHere = host !== undefined && deployed?.host === host;
  const own = isHere ? deployed.endpoints : [];
  const written = watched.endpoints.filter((url) => !own.includes(url));
  const isAsked = check.enabled && !isStopped;
  const endpoints = isAsked
    ? [
        ...own.map((url) => ({ url, isOwn: true })),
        ...written.map((url) => ({ url, isOwn: false })),
        ...checksOf({ watched, deployed }).map((one) => ({
          ...{ url: checkUrl(one), isOwn: isHere },
          instance: { service: id, host: deployed?.host ?? '', check: one },
        })),
      ]
    : [];
  return {
    ...{ id, check, endpoints, isStopped, problem, beat, health, outbox },
    ttlMs: ttl === null ? null : ttl * 1000,
  };
}
