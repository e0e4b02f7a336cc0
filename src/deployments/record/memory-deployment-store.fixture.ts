import type { Reason } from '../../engine/plan/run-state.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { type Page, pageOf, type PageRequest } from '../../common/http/paging.js';
import { type Approval, isSaidAgain } from '../../environments/approval.js';
import {
  type Deployment,
  GONE,
  isFinished,
  type PlannedStop,
  type Release,
  sealedTextsOf,
  type Service,
  SSH_HOST,
  SWITCHED_PHASES,
} from './deployment.js';
import {
  type DeploymentChange,
  type DeploymentFilter,
  type DeploymentHold,
  DeploymentStore,
  type HeldService,
  type NewDeployment,
  type NewService,
  noPlace,
  PlaceTakenError,
  type ReleaseChange,
  type ServicePlace,
} from './deployment-store.js';

/** Stands in for the database; no record is shared with whoever gets it. */
export class MemoryDeploymentStore extends DeploymentStore {
  readonly deployments = new Map<string, Deployment>();
  readonly releases = new Map<string, Release>();
  readonly serviceRecords = new Map<string, Service>();

  accept(deployment: NewDeployment, service: NewService): Promise<Deployment> {
    for (const other of this.deployments.values()) {
      if (other.request_key === deployment.request_key) return Promise.resolve(other);
    }
    for (const { _id, place } of this.serviceRecords.values()) {
      if (place === service.place && _id !== service._id) {
        return Promise.reject(new PlaceTakenError(_id));
      }
    }
    const known = this.serviceRecords.get(service._id) ?? {
      ...{ ...service, turns: 0, releases: 0, active: null },
    };
    const turn = known.turns + 1;
    this.serviceRecords.set(service._id, { ...known, turns: turn });
    this.deployments.set(deployment._id, { ...deployment, turn });
    return Promise.resolve({ ...deployment, turn });
  }

  find(id: string): Promise<Deployment | undefined> {
    return Promise.resolve(this.deployments.get(id));
  }

  deploymentsWith(ids: readonly string[]): Promise<ReadonlyMap<string, Deployment>> {
    return Promise.resolve(new Map([...this.deployments].filter(([id]) => ids.includes(id))));
  }

  list(filter: DeploymentFilter, page: PageRequest): Promise<Page<Deployment>> {
    const { environment, service, status, executionId } = filter;
    const rows = [...this.deployments.values()]
      .filter((one) => environment === undefined || one.environment === environment)
      .filter((one) => service === undefined || one.service === service)
      .filter((one) => status === undefined || one.status === status)
      .filter((one) => executionId === undefined || one.execution_id === executionId)
      .filter(({ _id }) => page.after === undefined || _id < page.after)
      .sort((a, b) => (a._id < b._id ? 1 : -1));
    return Promise.resolve(pageOf(rows, page.limit, ({ _id }) => _id));
  }

  unfinishedOn(host: string): Promise<readonly Deployment[]> {
    const all = [...this.deployments.values()];
    const isDone = (one: Deployment): boolean =>
      one.host === host || one.host.startsWith(SSH_HOST) || one.suspended_in != null;
    return Promise.resolve(all.filter((one) => isDone(one) && !isFinished(one)));
  }

  unfinishedIn(environment: string, limit: number): Promise<readonly Deployment[]> {
    const all = [...this.deployments.values()].filter((one) => !isFinished(one));
    const own = all.filter((one) => one.environment === environment);
    return Promise.resolve(own.sort((a, b) => (a._id < b._id ? -1 : 1)).slice(0, limit));
  }

  firstBefore(serviceId: string, turn: number): Promise<Deployment | undefined> {
    const [first] = [...this.deployments.values()]
      .filter((one) => one.service_id === serviceId && one.turn < turn && !isFinished(one))
      .filter(({ gate }) => gate !== 'closed')
      .sort((a, b) => a.turn - b.turn);
    return Promise.resolve(first);
  }

  take(
    { _id, fence }: Pick<Deployment, '_id' | 'fence'>,
    workerId: string,
    host?: string,
  ): Promise<Deployment | undefined> {
    const found = this.deployments.get(_id);
    if (found?.fence !== fence || isFinished(found)) return Promise.resolve(undefined);
    const hands = { worker_id: workerId, suspended_in: null, ...(host !== undefined && { host }) };
    const taken = { ...found, fence: fence + 1, ...hands };
    this.deployments.set(_id, taken);
    return Promise.resolve(taken);
  }

  change({ id, fence }: DeploymentHold, change: DeploymentChange): Promise<boolean> {
    const found = this.deployments.get(id);
    if (found?.fence !== fence) return Promise.resolve(false);
    this.deployments.set(id, { ...found, ...change });
    return Promise.resolve(true);
  }

  requestCancel(id: string, by: string): Promise<boolean> {
    const found = this.deployments.get(id);
    if (found === undefined || isFinished(found)) return Promise.resolve(false);
    if (found.phase !== null && SWITCHED_PHASES.includes(found.phase)) {
      return Promise.resolve(false);
    }
    this.deployments.set(id, { ...found, cancel_requested_by: by });
    return Promise.resolve(true);
  }

  enterSwitch(hold: DeploymentHold, change: DeploymentChange): Promise<boolean> {
    const isCancelled = this.deployments.get(hold.id)?.cancel_requested_by != null;
    return isCancelled ? Promise.resolve(false) : this.change(hold, { ...change, phase: 'switch' });
  }

  addApproval(id: string, approval: Approval): Promise<boolean> {
    const found = this.deployments.get(id);
    const { approvals = [] } = found ?? {};
    const isAgain = approvals.some((one) => isSaidAgain(one, approval));
    const isRejected = approvals.some(({ kind }) => kind === 'rejection');
    if (found?.gate !== 'closed' || isFinished(found) || isAgain || isRejected) {
      return Promise.resolve(false);
    }
    this.deployments.set(id, { ...found, approvals: [...approvals, approval] });
    return Promise.resolve(true);
  }

  openGate({ id, fence }: DeploymentHold): Promise<boolean> {
    const found = this.deployments.get(id);
    const isRejected = found?.approvals?.some(({ kind }) => kind === 'rejection') === true;
    if (found?.fence !== fence || isRejected) return Promise.resolve(false);
    this.deployments.set(id, { ...found, gate: 'open' });
    return Promise.resolve(true);
  }

  service(id: string): Promise<Service | undefined> {
    return Promise.resolve(this.serviceRecords.get(id));
  }

  services(page: PageRequest): Promise<Page<Service>> {
    const rows = this.present()
      .filter(({ _id }) => page.after === undefined || _id > page.after)
      .sort((a, b) => (a._id < b._id ? -1 : 1));
    return Promise.resolve(pageOf(rows, page.limit, ({ _id }) => _id));
  }

  serviceWithUuid(uuid: string): Promise<Service | undefined> {
    return Promise.resolve(this.present().find(({ id }) => id === uuid));
  }

  servicesWith(ids: readonly string[]): Promise<readonly Service[]> {
    return Promise.resolve(this.present().filter((one) => ids.includes(one._id)));
  }

  servicesOn(host: string): Promise<readonly Service[]> {
    const own = this.present().filter((one) => one.host === host);
    return Promise.resolve(own.sort((a, b) => (a._id < b._id ? -1 : 1)));
  }

  everServedOn(host: string): Promise<readonly string[]> {
    const own = [...this.releases.values()].filter((one) => one.host === host);
    return Promise.resolve([...new Set(own.map(({ service_id: id }) => id))].sort());
  }

  servicesIn(environment: string, limit: number): Promise<readonly Service[]> {
    const own = this.present().filter((one) => one.environment === environment);
    return Promise.resolve(own.sort((a, b) => (a._id < b._id ? -1 : 1)).slice(0, limit));
  }

  environments(): Promise<readonly string[]> {
    const all = this.present().map(({ environment }) => environment);
    return Promise.resolve([...new Set(all)].sort());
  }

  claimService(serviceId: string, deploymentId: string): Promise<boolean> {
    const found = this.serviceRecords.get(serviceId);
    if (found === undefined || ![null, deploymentId].includes(found.active)) {
      return Promise.resolve(false);
    }
    this.serviceRecords.set(serviceId, { ...found, active: deploymentId });
    return Promise.resolve(true);
  }

  heldServices(): Promise<readonly HeldService[]> {
    const all = [...this.serviceRecords.values()];
    return Promise.resolve(
      all.flatMap(({ _id, active }) => (active === null ? [] : [{ _id, active }])),
    );
  }

  freeService(serviceId: string, deploymentId: string): Promise<void> {
    const found = this.serviceRecords.get(serviceId);
    if (found === undefined) return Promise.resolve();
    const active = found.active === deploymentId ? null : found.active;
    const isUnused = active === null && found.release_id === null;
    const place = isUnused ? noPlace(serviceId) : found.place;
    const unit = isUnused ? null : (found.unit ?? null);
    this.serviceRecords.set(serviceId, { ...found, active, place, unit });
    return Promise.resolve();
  }

  takePlace(serviceId: string, at: ServicePlace): Promise<void> {
    const holder = [...this.serviceRecords.values()].find(({ place }) => place === at.place);
    if (holder !== undefined && holder._id !== serviceId) {
      return Promise.reject(new PlaceTakenError(holder._id));
    }
    const found = this.serviceRecords.get(serviceId);
    if (found?.release_id === null) {
      this.serviceRecords.set(serviceId, { ...found, ...at, status: 'starting' });
    }
    return Promise.resolve();
  }

  setServing(
    serviceId: string,
    deploymentId: string,
    releaseId: string,
    at: Date,
  ): Promise<boolean> {
    const found = this.serviceRecords.get(serviceId);
    if (found?.active !== deploymentId) return Promise.resolve(false);
    this.serviceRecords.set(serviceId, {
      ...found,
      ...{ release_id: releaseId, deployment_id: deploymentId, status: 'running', updated_at: at },
      ...{ process_id: null, problem: null, stopped: null },
    });
    return Promise.resolve(true);
  }

  setStopped(serviceId: string, stopped: PlannedStop): Promise<boolean> {
    const change = { status: 'stopped', stopped, process_id: null, problem: null } as const;
    return this.changeHeld(serviceId, stopped.deployment_id, { ...change, updated_at: stopped.at });
  }

  setStarted(serviceId: string, deploymentId: string, at: Date): Promise<boolean> {
    const change = { status: 'running', stopped: null, updated_at: at } as const;
    return this.changeHeld(serviceId, deploymentId, change);
  }

  private changeHeld(id: string, by: string, change: Partial<Service>): Promise<boolean> {
    const found = this.serviceRecords.get(id);
    if (found?.active !== by) return Promise.resolve(false);
    this.serviceRecords.set(id, { ...found, ...change });
    return Promise.resolve(true);
  }

  setNothingServing(serviceId: string, deploymentId: string, at: Date): Promise<boolean> {
    const found = this.serviceRecords.get(serviceId);
    if (found?.active !== deploymentId) return Promise.resolve(false);
    this.serviceRecords.set(serviceId, {
      ...{ ...found, release_id: null, deployment_id: null, process_id: null, problem: null },
      ...{ status: 'stopped', stopped: null, updated_at: at },
    });
    return Promise.resolve(true);
  }

  retire(serviceId: string, deploymentId: string, at: Date): Promise<boolean> {
    const found = this.serviceRecords.get(serviceId);
    if (found?.active !== deploymentId || found.release_id !== null) return Promise.resolve(false);
    this.serviceRecords.set(serviceId, {
      ...{ ...found, id: uuidV7(), status: 'removed', updated_at: at },
    });
    return Promise.resolve(true);
  }

  setProcess(serviceId: string, releaseId: string, processId: number | null): Promise<void> {
    return this.changeServing(serviceId, releaseId, { process_id: processId });
  }

  setProblem(serviceId: string, releaseId: string, problem: Reason | null): Promise<void> {
    return this.changeServing(serviceId, releaseId, { problem });
  }

  private changeServing(id: string, releaseId: string, change: Partial<Service>): Promise<void> {
    const found = this.serviceRecords.get(id);
    if (found?.release_id === releaseId) this.serviceRecords.set(id, { ...found, ...change });
    return Promise.resolve();
  }

  nextRelease(serviceId: string): Promise<number> {
    const found = this.serviceRecords.get(serviceId);
    if (found === undefined) return Promise.reject(new Error(`no service ${serviceId}`));
    this.serviceRecords.set(serviceId, { ...found, releases: found.releases + 1 });
    return Promise.resolve(found.releases + 1);
  }

  neededTexts(): Promise<ReadonlySet<string>> {
    const asked = [...this.deployments.values()].filter((one) => !isFinished(one));
    const kept = [...this.releases.values()].filter(({ status }) => !GONE.includes(status));
    const all = [...asked, ...kept].flatMap(({ settings }) => sealedTextsOf(settings));
    return Promise.resolve(new Set(all));
  }

  insertRelease(release: Release): Promise<void> {
    if (!this.releases.has(release._id)) this.releases.set(release._id, release);
    return Promise.resolve();
  }

  release(id: string): Promise<Release | undefined> {
    return Promise.resolve(this.releases.get(id));
  }

  releasesWith(ids: readonly string[]): Promise<ReadonlyMap<string, Release>> {
    return Promise.resolve(new Map([...this.releases].filter(([id]) => ids.includes(id))));
  }

  releasesOf(serviceId: string): Promise<readonly Release[]> {
    const own = [...this.releases.values()].filter((one) => one.service_id === serviceId);
    return Promise.resolve(own.sort((a, b) => b.number - a.number));
  }

  changeRelease(id: string, change: ReleaseChange): Promise<void> {
    const found = this.releases.get(id);
    if (found !== undefined) this.releases.set(id, { ...found, ...change });
    return Promise.resolve();
  }

  endDrain(id: string): Promise<void> {
    const isDraining = this.releases.get(id)?.status === 'draining';
    return isDraining
      ? this.changeRelease(id, { status: 'kept', drain_until: null })
      : Promise.resolve();
  }

  private present(): readonly Service[] {
    return [...this.serviceRecords.values()].filter(({ status }) => status !== 'removed');
  }
}
