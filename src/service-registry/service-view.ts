import type { InstanceCheck } from '../engine/steps/deploy/deploy-action.js';
import type { Reason } from '../engine/plan/run-state.js';
import {
  type Judgement,
  notObserved,
  SERVICE_REASONS,
  type WatchedEndpoint,
} from './checks/service-status.js';
import { checkUrl } from './checks/instance-target.js';
import { checksOf } from './instance-checks.js';
import type { DeployedService, ServiceStop } from './deployed-services.js';
import {
  MONITOR_SILENT_MS,
  type ServiceHealth,
  type ShardWatch,
  type WatchedService,
} from './record/watched-service.js';

/** An endpoint as it is shown. `status` null: nothing asks it. */
export interface EndpointView {
  readonly url: string;
  readonly status: WatchedEndpoint['status'] | null;
  readonly since: Date | null;
  readonly flapping: boolean;
  readonly problem: WatchedEndpoint['problem'];
}

/** A check of the instance itself, as it is shown. */
export interface CheckView extends Omit<EndpointView, 'url'> {
  readonly check: InstanceCheck;
  /** The deployment says so; else somebody has asked for it. */
  readonly isDeployed: boolean;
}

/** A service as it is shown: what somebody registered, what was deployed, and what was seen. */
export interface ServiceView {
  readonly id: string;
  readonly uuid: string;
  readonly name: string;
  readonly environment: string;
  readonly watched: WatchedService | undefined;
  readonly deployed: DeployedService | undefined;
  readonly status: ServiceHealth['status'];
  readonly reason: Reason;
  readonly since: Date;
  readonly endpoints: readonly EndpointView[];
  readonly checks: readonly CheckView[];
  /** The service that it needs and that is to be mended; undefined: none is known. */
  readonly rootCause?: ServiceView | undefined;
}

/** The parts of one service, of which there is at least one. */
export interface ServiceParts {
  readonly watched?: WatchedService | undefined;
  readonly deployed?: DeployedService | undefined;
  /** Of the monitor that looks after it. */
  readonly shard?: ShardWatch | undefined;
}

/** Where the monitor of a service is to look. */
export function endpointsOf({ watched, deployed }: ServiceParts): readonly string[] {
  return [...new Set([...(deployed?.endpoints ?? []), ...(watched?.endpoints ?? [])])];
}

/** Whether there is anything to see beside what its deployment says. */
export function isSeen({ watched, deployed }: ServiceParts): boolean {
  if (watched === undefined) return false;
  const targets = [...endpointsOf({ watched, deployed }), ...checksOf({ watched, deployed })];
  return (targets.length > 0 && watched.check.enabled) || watched.ttl_seconds !== null;
}

/** @param now milliseconds since 1970 */
export function serviceView(parts: ServiceParts, now: number): ServiceView {
  const { watched, deployed } = parts;
  const one = watched ?? deployed;
  if (one === undefined) throw new Error('a service is registered or deployed');
  const { status, reason, since } = judged(parts, now);
  return {
    id: watched?._id ?? deployed?.id ?? '',
    uuid: watched?.id ?? deployed?.uuid ?? '',
    name: one.name,
    environment: one.environment,
    ...{ watched, deployed, status, reason, since },
    endpoints: endpointsOf(parts).map((url) => ({
      ...{ url, ...seenOf(parts, url, status === 'unknown' ? since : undefined) },
    })),
    checks: checksOf(parts).map((check) => ({
      ...{ check, isDeployed: deployed?.checks.includes(check) ?? false },
      ...seenOf(parts, checkUrl(check), status === 'unknown' ? since : undefined),
    })),
  };
}

function judged(parts: ServiceParts, now: number): Judgement & { readonly since: Date } {
  const { watched, deployed, shard } = parts;
  if (deployed && (deployed.status === 'stopped' || !isSeen(parts))) return byRecord(deployed);
  const health = watched?.health;
  if (!health) {
    const reason = { code: 'not_decided', message: SERVICE_REASONS.not_decided };
    return { status: 'starting', reason, since: watched?.created_at ?? new Date(now) };
  }
  const seenAt = shard?.observed_at.getTime() ?? 0;
  if (now - seenAt > MONITOR_SILENT_MS && health.status !== 'unknown') {
    const since = new Date(Math.max(seenAt, health.since.getTime()));
    return { status: 'unknown', reason: notObserved(since.getTime()), since };
  }
  return health;
}

/** A stop that somebody has asked for is told with who, when and why. */
function stopReason({ by, at, reason, deploymentId: deployment_id }: ServiceStop): Reason {
  const message = `it was stopped by ${by}${reason === null ? '' : `: ${reason}`}`;
  return { code: 'stopped', message, data: { by, at: at.toISOString(), reason, deployment_id } };
}

function byRecord(deployed: DeployedService): Judgement & { readonly since: Date } {
  const { status, stopped, updatedAt } = deployed;
  if (stopped) return { status: 'stopped', reason: stopReason(stopped), since: stopped.at };
  const code = status === 'running' ? 'not_checked' : status === 'stopped' ? 'stopped' : 'unserved';
  return { status, reason: { code, message: SERVICE_REASONS[code] }, since: updatedAt };
}

/** @param unknownSince nobody has looked since; undefined: somebody has */
function seenOf(
  { watched, deployed }: ServiceParts,
  url: string,
  unknownSince: Date | undefined,
): Omit<EndpointView, 'url'> {
  if (watched?.check.enabled !== true || deployed?.status === 'stopped') {
    return { status: null, since: null, flapping: false, problem: null };
  }
  const seen = watched.health?.endpoints.find((one) => one.url === url);
  if (seen === undefined)
    return { status: 'starting', since: null, flapping: false, problem: null };
  const { status, since, flapping, problem } = seen;
  if (unknownSince) return { status: 'unknown', since: unknownSince, flapping, problem };
  return { status, since: new Date(since), flapping, problem };
}

/** Endpoints to which a request may go now: none while a check of the instance fails. */
export function passing({ status, endpoints, checks }: ServiceView): readonly string[] {
  if (checks.some((check) => check.status === 'failed')) return [];
  if (status !== 'running' && status !== 'degraded') return [];
  return endpoints
    .filter((one) => (one.status === null ? status === 'running' : one.status === 'running'))
    .map(({ url }) => url);
}
