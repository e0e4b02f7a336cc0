import type { InstanceCheck } from '../engine/steps/deploy/deploy-action.js';
import type { Reason } from '../engine/plan/run-state.js';
import type { Principal } from '../auth/principals/principal.js';
import type { Page, PageRequest } from '../common/http/paging.js';

/** What somebody may ask of the instance of a service; its release stays what it is. */
export type InstanceRequest = 'stop' | 'start' | 'restart';

/** That somebody has stopped a service. */
export interface ServiceStop {
  /** The deployment that did so. */
  readonly deploymentId: string;
  readonly by: string;
  readonly at: Date;
  /** null: none was given. */
  readonly reason: string | null;
}

/** A service that deployments have made, as their record says. */
export interface DeployedService {
  /** `environment/name`. */
  readonly id: string;
  readonly uuid: string;
  readonly name: string;
  readonly environment: string;
  readonly type: string;
  readonly host: string;
  /** `starting`: nothing of it has served yet. */
  readonly status: 'starting' | 'running' | 'stopped';
  /** null: nobody has stopped it. */
  readonly stopped: ServiceStop | null;
  /** That made it serve. */
  readonly deploymentId: string | null;
  /** Where it answers on its own host: URLs at a loopback address. */
  readonly endpoints: readonly string[];
  /** It serves as a program or a container, so its instance itself can be looked at. */
  readonly hasInstance: boolean;
  /** Of its instance, as the deployment that serves says. */
  readonly checks: readonly InstanceCheck[];
  /** What is known against what serves, whatever its checks say; null: nothing. */
  readonly problem: Reason | null;
  readonly containerId: string | null;
  /** On its host, as it was seen a moment ago. */
  readonly processId: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a service that was deployed has, and its removal takes away. */
export interface OwnedThings {
  /** `environment/name`. */
  readonly id: string;
  readonly type: string;
  readonly host: string;
  /** Numbers of those of which something is left. */
  readonly releases: readonly number[];
  /** Of its host, or whole URLs where that is reached by SSH. */
  readonly folders: readonly string[];
  /** Names of those that may run, on what runs them. */
  readonly instances: readonly string[];
  readonly images: readonly string[];
  readonly ports: readonly number[];
  /** `shop.example/path`, or `address:port`. */
  readonly routes: readonly string[];
}

/** A deployment that makes, or made, another release of a service serve. */
export interface ServiceSwitch {
  readonly deploymentId: string;
  /** When its switch began. */
  readonly from: Date;
  /** When the deployment was over; null: it is not. */
  readonly until: Date | null;
  /** What it has put there serves now. */
  readonly isServing: boolean;
}

/**
 * Port: what was deployed. All methods may be called concurrently, and reject when the record is
 * away. Whoever deploys implements it.
 */
export abstract class DeployedServices {
  abstract find(id: string): Promise<DeployedService | undefined>;
  abstract findByUuid(uuid: string): Promise<DeployedService | undefined>;
  /** Those that there are, by their ids. */
  abstract among(ids: readonly string[]): Promise<ReadonlyMap<string, DeployedService>>;
  /** By environment and name; the sort key is the id. */
  abstract page(page: PageRequest): Promise<Page<DeployedService>>;
  /** The last ten deployments of a service that came to their switch, the newest first. */
  abstract switches(id: string): Promise<readonly ServiceSwitch[]>;
  /**
   * Whether somebody may deploy a service that there is.
   * @throws NotFoundError; AuthorizationError: no scope, or the environment names others
   */
  abstract mustBeDeployer(id: string, by: Principal): Promise<void>;
  /** All of one host. */
  abstract onHost(host: string): Promise<readonly DeployedService[]>;
  /** What its removal would take away: of a unit that of its parts, and then its own. */
  abstract owned(id: string): Promise<readonly OwnedThings[]>;
  /**
   * Asks that nothing of a service serves any more, and that all that it has is removed.
   * @returns the id of the deployment that does so
   * @throws NotFoundError, AuthorizationError: it is not for this principal
   */
  abstract remove(id: string, by: Principal): Promise<string>;
  /**
   * Asks that the instance of a service is stopped, started again, or replaced by another one.
   * @param reason of a stop: what whoever asks says of it
   * @returns the id of the deployment that does so
   * @throws NotFoundError, AuthorizationError: it is not for this principal; ConflictError: it has
   *   no instance of its own, or is stopped and should be restarted
   */
  abstract askInstance(
    id: string,
    request: InstanceRequest,
    by: Principal,
    reason?: string,
  ): Promise<string>;
}
