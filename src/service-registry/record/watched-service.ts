import type { NamedValue } from '../../common/values/name-record.js';
import type { InstanceCheck } from '../../engine/steps/deploy/deploy-action.js';
import type { Reason } from '../../engine/plan/run-state.js';
import type { ServiceCheck } from '../checks/service-check.js';
import type { ServiceStatus, WatchedEndpoint } from '../checks/service-status.js';
import type { Maintenance } from './maintenance.js';

/** What a service is as its monitor last wrote it. */
export interface ServiceHealth {
  readonly status: ServiceStatus;
  readonly since: Date;
  readonly reason: Reason;
  readonly endpoints: readonly WatchedEndpoint[];
  /** Number of its last change of state, from 1; 0: none yet. */
  readonly seq: number;
  /** Of the lease under which it was written: an older one writes nothing any more. */
  readonly fence: number;
}

/** One change of the state of a service. */
export interface ServiceChange {
  /** {@link changeId} */
  readonly _id: string;
  /** `environment/name`. */
  readonly service: string;
  readonly seq: number;
  /** null: it is the first one. */
  readonly from: ServiceStatus | null;
  readonly to: ServiceStatus;
  readonly at: Date;
  readonly reason: Reason;
}

/** What the registry holds of a service: what somebody has registered, and what was seen of it. */
export interface WatchedService {
  /** `environment/name`. */
  readonly _id: string;
  readonly id: string;
  readonly name: string;
  readonly environment: string;
  /** Who watches it: {@link REGISTERED_SHARD}, or {@link hostShard} of what runs on a host. */
  readonly shard: string;
  /** URLs: `http:`, `https:` and `tcp:`; those of what was deployed are in its own record. */
  readonly endpoints: readonly string[];
  readonly check: ServiceCheck;
  /** Of its instance itself, beside those that its deployment says. */
  readonly checks: readonly InstanceCheck[];
  readonly tags: readonly string[];
  readonly metadata: readonly NamedValue<string>[];
  /** Ids of the services that it needs. */
  readonly dependencies: readonly string[];
  /** Seconds within which a heartbeat has to come; null: none has to. */
  readonly ttl_seconds: number | null;
  /** Another text with every heartbeat; null: none has come. */
  readonly beat: string | null;
  readonly last_heartbeat: Date | null;
  /** Another text with every change of what was registered. */
  readonly revision: string;
  readonly health: ServiceHealth | null;
  /** Changes that are not stored by themselves yet. */
  readonly outbox: readonly ServiceChange[];
  readonly maintenance: Maintenance;
  readonly created_by: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export type NewWatchedService = Omit<WatchedService, 'health' | 'outbox' | 'beat' | 'maintenance'>;

/** What a user may change of a service. */
export type ServiceSettings = Pick<
  WatchedService,
  'endpoints' | 'check' | 'checks' | 'tags' | 'metadata' | 'dependencies' | 'ttl_seconds'
>;

/** What a monitor compares to know what it must read again. */
export type WatchedRevision = Pick<WatchedService, '_id' | 'revision' | 'beat'>;

/** The shard of what was registered by hand. */
export const REGISTERED_SHARD = 'registered';

/** The shard of what runs on a host, which only a process of that host can look at. */
export function hostShard(host: string): string {
  return `host:${host}`;
}

export function changeId(service: string, seq: number): string {
  return `${service}:${String(seq).padStart(10, '0')}`;
}

/** What the monitor of a shard tells of itself. */
export interface ShardWatch {
  /** Name of the shard. */
  readonly _id: string;
  readonly fence: number;
  /** When it began: what its process has not seen itself was stored by the one before. */
  readonly began_at?: Date;
  /** When it last looked after all that is due. */
  readonly observed_at: Date;
  /** The last time in which it did not look for so long that nobody knew; absent: none. */
  readonly gap?: WatchGap | null;
}

/** From when to when nobody has looked. */
export interface WatchGap {
  readonly from: Date;
  readonly until: Date;
}

/** After so long without a word of its monitor nobody knows what a service is, ms. */
export const MONITOR_SILENT_MS = 30_000;
