import { failPoint } from '../../common/fail-point.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import type { OnFailure } from '../../engine/steps/deploy/deploy-action.js';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import type { Leases } from '../../leases/leases.js';
import { slowestCheck } from '../../service-registry/checks/instance-target.js';
import { timeToPass } from '../../service-registry/checks/service-check.js';
import { checksOf } from '../../service-registry/instance-checks.js';
import {
  type FailureRecord,
  failureRecordId,
} from '../../service-registry/failures/failure-record.js';
import { failedSince } from '../../service-registry/failures/failed-since.js';
import type { FailureRecords } from '../../service-registry/failures/failure-records.js';
import { windowAt } from '../../service-registry/record/maintenance.js';
import type { ServiceStore } from '../../service-registry/record/service-store.js';
import {
  MONITOR_SILENT_MS,
  type ServiceHealth,
  type WatchedService,
} from '../../service-registry/record/watched-service.js';
import type { Release, Service } from '../record/deployment.js';
import type { DeploymentStore, NewDeployment } from '../record/deployment-store.js';
import { restartOf } from '../record/restart.js';
import { rollbackOf } from '../record/rollback.js';
import { decideOnFailure, type FailedService } from './failure-decision.js';
import { wayBack } from './way-back.js';

const ROUND_MS = 2_000;
/** Longer than a round; a process that was killed keeps others away for so long. */
const TURN_MS = 30_000;
/** More than a window can have. */
const RECORDS_READ = 250;
const CHANGES_READ = 100;
/** Of those beyond them that wait for people the one that serves is known by itself. */
const DEPLOYMENTS_READ = 20;

export interface ServiceFailuresParts {
  readonly store: DeploymentStore;
  /** What the checks say. */
  readonly watched: ServiceStore;
  readonly records: FailureRecords;
  readonly leases: Leases;
  readonly host: string;
}

/** A service of this host of which something is done by itself when it fails. */
interface Guarded {
  readonly service: Service;
  readonly release: Release;
  readonly policy: OnFailure;
}

interface Asked {
  readonly deployment: NewDeployment;
  readonly service: Service;
}

/**
 * Does what the release that serves says is to be done when the checks of its service say that it
 * has failed. What it decides is stored before it is asked for, under an id that follows from the
 * failure: of two processes that decide at once one does it, and what a killed one has decided the
 * next one asks for. Nothing is decided in maintenance, while a deployment of the service is asked
 * for or under way, and while nobody looks.
 */
export class ServiceFailures extends BackgroundRounds {
  /** Ids of releases that say nothing of it, of those that serve: what a release says stays. */
  private unguarded: ReadonlySet<string> = new Set();

  constructor(private readonly parts: ServiceFailuresParts) {
    super({ everyMs: ROUND_MS, unref: true });
  }

  protected async work(now: number): Promise<void> {
    const guarded = await this.guarded();
    if (guarded.length === 0) return;
    const { leases, host, watched } = this.parts;
    const turn = await leases.take(`failures.${host}`, TURN_MS);
    if (turn === undefined) return;
    try {
      const seen = await watched.among(guarded.map(({ service }) => service._id));
      await this.takeUp(guarded, seen, now);
      for (const one of guarded) {
        const health = await this.failed(seen.get(one.service._id), now);
        if (health !== undefined) await this.decide(one, health, now);
      }
    } finally {
      await turn.release();
    }
  }

  private async guarded(): Promise<readonly Guarded[]> {
    const { store, host } = this.parts;
    const services = (await store.servicesOn(host)).filter(
      ({ service_type: type, status }) =>
        status === 'running' && (type === 'local_service' || type === 'docker_container'),
    );
    const serving = services.flatMap(({ release_id: id }) => id ?? []);
    const asked = serving.filter((id) => !this.unguarded.has(id));
    const releases = asked.length === 0 ? undefined : await store.releasesWith(asked);
    const guarded = services.flatMap((service) => {
      const release = releases?.get(service.release_id ?? '');
      const policy = release && policyOf(release);
      return release && policy ? [{ service, release, policy }] : [];
    });
    const withPolicy = new Set(guarded.map(({ release }) => release._id));
    this.unguarded = new Set(serving.filter((id) => !withPolicy.has(id)));
    return guarded;
  }

  /**
   * With the number of the change by which it became so. Undefined: it has not failed, or it is not
   * certain that it has, or nobody is to act.
   */
  private async failed(
    seen: WatchedService | undefined,
    now: number,
  ): Promise<ServiceHealth | undefined> {
    if (seen?.health?.status !== 'failed') return undefined;
    if (windowAt(seen.maintenance, now) !== undefined) return undefined;
    if (!(await this.isObserved(seen, now))) return undefined;
    const { items } = await this.parts.watched.changes(seen._id, { limit: CHANGES_READ });
    const newest = [...seen.outbox].reverse();
    return { ...seen.health, seq: failedSince(seen.health.seq, [...newest, ...items]) };
  }

  private async isObserved({ shard, health }: WatchedService, now: number): Promise<boolean> {
    const watch = await this.parts.watched.shard(shard);
    const observed = watch?.observed_at.getTime() ?? 0;
    return health?.status !== 'unknown' && now - observed <= MONITOR_SILENT_MS;
  }

  /** What a process that was killed has decided, and not asked for. */
  private async takeUp(
    guarded: readonly Guarded[],
    seen: ReadonlyMap<string, WatchedService>,
    now: number,
  ): Promise<void> {
    const { records } = this.parts;
    for (const record of await records.decided()) {
      const own = guarded.find(({ service }) => service._id === record.service);
      if (own === undefined) continue;
      const known = record.deployment_id && (await this.parts.store.find(record.deployment_id));
      if (known) {
        await records.settle(record._id, 'begun');
        continue;
      }
      const watched = seen.get(record.service);
      // Whoever looks next says whether it has failed still.
      if (watched && !(await this.isObserved(watched, now))) continue;
      const health = await this.failed(watched, now);
      const isSame = health?.seq === record.seq && own.release.number === record.release;
      if (!isSame || (await this.isTaken(own.service))) await records.settle(record._id, 'dropped');
      else await this.begin(own, record);
    }
  }

  /** Whether a deployment of it, or of its unit, is asked for or under way. */
  private async isTaken({ _id, unit }: Service): Promise<boolean> {
    const { store } = this.parts;
    for (const id of unit ? [_id, unit] : [_id]) {
      if ((await store.service(id))?.active) return true;
      if (await store.firstBefore(id, Number.MAX_SAFE_INTEGER)) return true;
    }
    return false;
  }

  private async decide(one: Guarded, health: ServiceHealth, now: number): Promise<void> {
    const { service, release, policy } = one;
    if (await this.isTaken(service)) return;
    const { store, records } = this.parts;
    const known = await records.of(service._id, RECORDS_READ);
    const decision = decideOnFailure(
      {
        ...{ policy, release: release.number, records: known },
        failure: { seq: health.seq, reason: health.reason },
        isSeen: await this.hasSeen(service, release),
        back: await this.back(service, release),
      },
      now,
    );
    if (decision.kind === 'wait') return;
    const attempt = (known.find(({ seq }) => seq === health.seq)?.attempt ?? 0) + 1;
    const isAct = decision.kind === 'act';
    const record: FailureRecord = {
      _id: failureRecordId(service._id, health.seq, attempt),
      ...{ service: service._id, seq: health.seq, attempt, release: release.number },
      action: isAct ? decision.action : 'none',
      ...{ reason: decision.reason, deployment_id: isAct ? uuidV7() : null },
      ...{ state: isAct ? 'decided' : 'left', at: new Date(now) },
    };
    // Of a service that was deployed meanwhile nothing that was decided here is true any more.
    if ((await store.service(service._id))?.release_id !== release._id) return;
    if (!(await records.add(record))) return;
    failPoint('failure_decided');
    this.logger.warn({ service: service._id }, record.reason.message);
    if (isAct) await this.begin(one, record);
  }

  private async begin({ service, release }: Guarded, record: FailureRecord): Promise<void> {
    const { store, records } = this.parts;
    const asked = await this.asked(service, release, record);
    // It stays decided: the next round looks again.
    if (asked === 'unsettled') return;
    if (asked === undefined) return records.settle(record._id, 'dropped');
    await store.accept(asked.deployment, asked.service);
    failPoint('failure_asked');
    await records.settle(record._id, 'begun');
  }

  private async asked(
    service: Service,
    release: Release,
    { action, deployment_id: id, reason }: FailureRecord,
  ): Promise<Asked | 'unsettled' | undefined> {
    if (id === null) return undefined;
    const own = { _id: id, request_key: JSON.stringify(['on_failure', id]), warnings: [reason] };
    if (action === 'restart') {
      return { deployment: { ...restartOf(release, 'system'), ...own }, service };
    }
    const way = await wayBack(this.parts.store, service, release);
    if (way.kind === 'unsettled') return 'unsettled';
    if (way.kind === 'none') return undefined;
    const back = rollbackOf(way.service, way.to, way.from, 'system');
    const deployment = { ...back, ...own, failed_release_id: way.from._id };
    return { deployment, service: way.service };
  }

  /**
   * Whether all its checks have seen what was put there last. What was stored before nobody looked
   * for a while says nothing of it.
   */
  private async hasSeen(service: Service, release: Release): Promise<boolean> {
    const { watched } = this.parts;
    const ended = await this.lastEnd(service);
    const seen = await watched.find(service._id);
    const watch = seen && (await watched.shard(seen.shard));
    if (seen === undefined || watch === undefined) return false;
    const { settings } = release;
    const own = 'published' in settings ? (settings.checks ?? []) : [];
    const checks = checksOf({ watched: seen, deployed: { hasInstance: true, checks: own } });
    const slowest = slowestCheck(seen.check, checks);
    const from = Math.max(ended, watch.began_at?.getTime() ?? 0);
    const seenAt = from + timeToPass(slowest) + slowest.interval_seconds * 1000;
    return watch.observed_at.getTime() >= seenAt;
  }

  /** Of its deployments; one that waits for people has put nothing there. */
  private async lastEnd({ environment, name, deployment_id: id }: Service): Promise<number> {
    const { store } = this.parts;
    const page = { limit: DEPLOYMENTS_READ };
    const { items } = await store.list({ environment, service: name }, page);
    const serving = id === null ? undefined : await store.find(id);
    const ends = [...items, ...(serving ? [serving] : [])].map((one) => one.finished_at);
    return Math.max(0, ...ends.map((end) => end?.getTime() ?? 0));
  }

  private async back(service: Service, release: Release): Promise<FailedService['back']> {
    const { store } = this.parts;
    const whole = service.unit ? await store.service(service.unit) : service;
    const made = whole?.deployment_id ? await store.find(whole.deployment_id) : undefined;
    if (made?.kind === 'rollback' && made.failed_release_id !== undefined) return 'been';
    const { kind } = await wayBack(store, service, release);
    return kind === 'to' ? 'possible' : kind;
  }
}

function policyOf({ settings }: Release): OnFailure | undefined {
  const policy = 'on_failure' in settings ? settings.on_failure : undefined;
  return policy && policy.actions.length > 0 ? policy : undefined;
}
