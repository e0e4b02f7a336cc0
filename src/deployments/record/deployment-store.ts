import type { Page, PageRequest } from '../../common/http/paging.js';
import type { Reason } from '../../engine/plan/run-state.js';
import type { Approval } from '../../environments/approval.js';
import type { Deployment, DeploymentStatus, PlannedStop, Release, Service } from './deployment.js';

/** A deployment as it is asked for; the rest is the store's. */
export type NewDeployment = Omit<Deployment, 'turn'>;
export type NewService = Omit<Service, 'turns' | 'releases' | 'active'>;

/** Who may write to a deployment: the one that took it last. */
export interface DeploymentHold {
  readonly id: string;
  readonly fence: number;
}

export type DeploymentChange = Partial<
  Pick<
    Deployment,
    | 'status'
    | 'phase'
    | 'phases'
    | 'reason'
    | 'warnings'
    | 'release_id'
    | 'parts'
    | 'previous_release_id'
    | 'logs'
    | 'gate'
    | 'suspended_in'
    | 'expires_at'
    | 'approved_files'
    | 'images_on'
    | 'settings'
    | 'is_armed'
    | 'instance'
    | 'started_at'
    | 'finished_at'
  >
>;

export type ReleaseChange = Partial<
  Pick<
    Release,
    | 'status'
    | 'digest'
    | 'files'
    | 'bytes'
    | 'served_at'
    | 'drain_until'
    | 'drains_since'
    | 'watch_until'
    | 'parts'
    | 'instance'
    | 'draining_instances'
  >
>;

/** Where a service lives, and what it is. */
export type ServicePlace = Pick<Service, 'host' | 'place' | 'service_type' | 'unit'>;

export interface DeploymentFilter {
  readonly environment?: string;
  readonly service?: string;
  readonly status?: DeploymentStatus;
  readonly executionId?: string;
}

/** Stands where a service has no place: no host has it. */
export function noPlace(serviceId: string): string {
  return `nowhere ${serviceId}`;
}

/** Another service holds the place. */
export class PlaceTakenError extends Error {
  constructor(readonly serviceId: string) {
    super(`the place belongs to ${serviceId}`);
    this.name = 'PlaceTakenError';
  }
}

/** `active` is the id of the deployment that holds it. */
export type HeldService = Pick<Service, '_id'> & { readonly active: string };

/**
 * Port: deployments, releases and services. All methods may be called concurrently and from several
 * processes, and reject when the store is away; every write may be repeated. Adapters: the database
 * and memory.
 */
export abstract class DeploymentStore {
  /**
   * Puts a deployment into the line of its service, which is made if there is none. The one of the
   * same `request_key` where there is one already.
   *
   * @throws PlaceTakenError
   */
  abstract accept(deployment: NewDeployment, service: NewService): Promise<Deployment>;

  abstract find(id: string): Promise<Deployment | undefined>;
  /** Those that there are, by their ids. */
  abstract deploymentsWith(ids: readonly string[]): Promise<ReadonlyMap<string, Deployment>>;
  /** The newest first. */
  abstract list(filter: DeploymentFilter, page: PageRequest): Promise<Page<Deployment>>;
  /**
   * All that are not over and that a worker of a host may do, in the order of their ids: those of
   * that host, those of hosts that are reached by SSH, and those of steps that are suspended.
   */
  abstract unfinishedOn(host: string): Promise<readonly Deployment[]>;
  /** All of an environment that are not over, the oldest first; at most `limit`. */
  abstract unfinishedIn(environment: string, limit: number): Promise<readonly Deployment[]>;
  /**
   * The first one in the line of a service that is not over, if its turn is below `turn`. What
   * waits at its gate stands in no line.
   */
  abstract firstBefore(serviceId: string, turn: number): Promise<Deployment | undefined>;

  /**
   * Takes a deployment that is as it was seen, under a fence of its own; it is suspended no more.
   * @param host which acts on it from now on, in the same moment; absent: that which did
   * @returns undefined: somebody else has it, or it is over
   */
  abstract take(
    seen: Pick<Deployment, '_id' | 'fence'>,
    workerId: string,
    host?: string,
  ): Promise<Deployment | undefined>;
  /** False: it was taken by another one meanwhile. */
  abstract change(hold: DeploymentHold, change: DeploymentChange): Promise<boolean>;
  /** Asks whoever does it to stop before the switch. False: it has switched, or is over. */
  abstract requestCancel(id: string, by: string): Promise<boolean>;
  /**
   * As `change`, to the phase `switch`: from this moment on nobody is told any more that he has
   * cancelled it. False: somebody was told so before, or it was taken by another one.
   */
  abstract enterSwitch(hold: DeploymentHold, change: DeploymentChange): Promise<boolean>;

  /**
   * Adds what somebody says of a deployment whose gate is closed. False: it is not closed, somebody
   * has rejected it, or this account has said the same before.
   */
  abstract addApproval(id: string, approval: Approval): Promise<boolean>;
  /** Lets a deployment through its gate. False: it was rejected, or taken by another worker. */
  abstract openGate(hold: DeploymentHold): Promise<boolean>;

  abstract service(id: string): Promise<Service | undefined>;
  /** By environment and name. */
  abstract services(page: PageRequest): Promise<Page<Service>>;
  /** By its UUID. */
  abstract serviceWithUuid(uuid: string): Promise<Service | undefined>;
  /** Those that there are, in no order. */
  abstract servicesWith(ids: readonly string[]): Promise<readonly Service[]>;
  /** All of one host, by environment and name. */
  abstract servicesOn(host: string): Promise<readonly Service[]>;
  /** Ids of those that ever had a release on a host, also of those that were removed. */
  abstract everServedOn(host: string): Promise<readonly string[]>;
  /** All of an environment, by their names; at most `limit`. */
  abstract servicesIn(environment: string, limit: number): Promise<readonly Service[]>;
  /** Of all services, each once, in their order. */
  abstract environments(): Promise<readonly string[]>;
  /** Gives the service to a deployment. True also when that has it already; false: another has. */
  abstract claimService(serviceId: string, deploymentId: string): Promise<boolean>;
  /** Those that deployments hold, of all hosts, in no order. */
  abstract heldServices(): Promise<readonly HeldService[]>;
  /**
   * Idempotent; of a service that another one holds nothing changes. One that nobody holds and that
   * has never served holds its place no more, and is of no unit.
   */
  abstract freeService(serviceId: string, deploymentId: string): Promise<void>;
  /**
   * Gives a service of which nothing serves its place, and says what it is; any other one stays as
   * it is.
   * @throws PlaceTakenError
   */
  abstract takePlace(serviceId: string, at: ServicePlace): Promise<void>;
  /** What serves now. Only while the deployment holds the service: else false. */
  abstract setServing(
    serviceId: string,
    deploymentId: string,
    releaseId: string,
    at: Date,
  ): Promise<boolean>;
  /**
   * Somebody has stopped it; what would serve stays known. Only while the deployment that does so
   * holds the service: else false.
   */
  abstract setStopped(serviceId: string, stop: PlannedStop): Promise<boolean>;
  /** It is stopped no more. Only while the deployment holds the service: else false. */
  abstract setStarted(serviceId: string, deploymentId: string, at: Date): Promise<boolean>;
  /** Nothing of it serves any more. Only while the deployment holds the service: else false. */
  abstract setNothingServing(serviceId: string, deploymentId: string, at: Date): Promise<boolean>;
  /**
   * Only its numbers are kept: it is in no list until it is deployed again, and another one then,
   * by its UUID. Only while the deployment holds it, and nothing of it serves: else false.
   */
  abstract retire(serviceId: string, deploymentId: string, at: Date): Promise<boolean>;
  /** What runs of the release that serves now; where another one does nothing changes. */
  abstract setProcess(
    serviceId: string,
    releaseId: string,
    processId: number | null,
  ): Promise<void>;
  /**
   * What is known against the release that serves, until another one does, or null takes it back;
   * where another one does already nothing changes.
   */
  abstract setProblem(serviceId: string, releaseId: string, problem: Reason | null): Promise<void>;
  /** Another number each time. */
  abstract nextRelease(serviceId: string): Promise<number>;

  /** Ids of the sealed texts that a release which can serve, or an unfinished deployment, names. */
  abstract neededTexts(): Promise<ReadonlySet<string>>;

  abstract insertRelease(release: Release): Promise<void>;
  abstract release(id: string): Promise<Release | undefined>;
  /** Those that there are, by their ids. */
  abstract releasesWith(ids: readonly string[]): Promise<ReadonlyMap<string, Release>>;
  /** Of one service, the newest first. */
  abstract releasesOf(serviceId: string): Promise<readonly Release[]>;
  abstract changeRelease(id: string, change: ReleaseChange): Promise<void>;
  /** A release that is `draining` is `kept` from now on; any other one stays as it is. */
  abstract endDrain(id: string): Promise<void>;
}
