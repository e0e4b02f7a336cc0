import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/principals/principal.js';
import { conflict, notFound } from '../common/errors/millrace.error.js';
import { uuidV7 } from '../common/ids/uuid.js';
import type { DeploymentCause } from '../environments/approval.js';
import { refused } from './approvals/deployment-approvals.js';
import {
  type Deployment,
  notBegun,
  isKept,
  placeOn,
  sshOf,
  type Release,
  type Service,
  serviceIdOf,
} from './record/deployment.js';
import { DeploymentStore, type NewService, PlaceTakenError } from './record/deployment-store.js';
import { DeploymentGate } from './running/approval-gate.js';

export interface Promotion {
  readonly environment: string;
  /** Whole; undefined: where the service lives there. */
  readonly path: string | undefined;
}

/** The same release, in another environment. */
@Injectable()
export class Promotions {
  constructor(
    private readonly store: DeploymentStore,
    private readonly gate: DeploymentGate,
  ) {}

  /**
   * Asks that the release of a deployment serves in another environment too, under the rules of
   * that one. A worker of its host copies it.
   *
   * @throws NotFoundError, ConflictError: there is nothing to promote, or no place for it;
   *   AuthorizationError: the other environment allows it not
   */
  async promote(id: string, { environment, path }: Promotion, by: Principal): Promise<Deployment> {
    const from = await this.store.find(id);
    if (from === undefined) throw notFound('deployment', id);
    if (from.environment === environment) {
      throw conflict(`It is in ${environment} already.`, { suggestions: ['Name another one.'] });
    }
    const release = await this.promotable(from);
    const made = await this.store.find(release.deployment_id);
    const cause = causeOf(made?.cause, by);
    const refusal = await this.gate.refusal(environment, cause);
    if (refusal !== undefined) throw refused(refusal);
    const there = await this.store.service(serviceIdOf(environment, from.service));
    for (const service of [await this.store.service(from.service_id), there]) {
      if (service?.unit) throw conflict(`${service._id} is a part of ${service.unit}.`);
    }
    const place = this.placeFor(release, there, environment, path);
    const serving = there?.release_id ? await this.store.release(there.release_id) : undefined;
    const settings = {
      ...release.settings,
      path: place,
      keep: serving?.settings.keep ?? release.settings.keep,
    };
    const _id = uuidV7();
    const asked: Omit<Deployment, 'turn'> = {
      ...{ _id, request_key: _id, kind: 'promote', environment, service: from.service },
      service_id: serviceIdOf(environment, from.service),
      ...{ type: release.type, settings, host: release.host, worker_id: null, fence: 0 },
      ...{ release_id: null, source_release_id: release._id, cause },
      ...{ execution_id: release.execution_id, pipeline_id: release.pipeline_id },
      ...{ pipeline_name: made?.pipeline_name ?? null, stage: null, step: null },
      ...{ commit: release.commit, branch: made?.branch ?? null },
      ...{ triggered_by: by.id, ...notBegun(new Date()) },
    };
    try {
      return await this.store.accept(asked, there ?? newService(asked, place));
    } catch (error) {
      if (!(error instanceof PlaceTakenError)) throw error;
      throw conflict(`${place} belongs to another service: ${error.serviceId}.`);
    }
  }

  /** @throws ConflictError */
  private async promotable({ release_id: id, settings }: Deployment): Promise<Release> {
    const release = id === null ? undefined : await this.store.release(id);
    const isThere = release !== undefined && (release.status === 'serving' || isKept(release));
    if (!isThere) {
      throw conflict('The deployment has no release that has served and is kept.', {
        suggestions: ['`./millrace deployments` shows those that have one.'],
      });
    }
    if (release.type !== 'local_directory' || sshOf(settings) !== undefined) {
      throw conflict('Only releases in folders of a host of a worker can be promoted.');
    }
    return release;
  }

  /** @throws ConflictError */
  private placeFor(
    { host }: Release,
    there: Service | undefined,
    environment: string,
    path: string | undefined,
  ): string {
    if (there === undefined) {
      if (path !== undefined) return path;
      throw conflict(`Nothing of that name was deployed to ${environment} yet: name its path.`, {
        suggestions: ['Add "path": "/srv/www/…" (./millrace promote … --path).'],
      });
    }
    if (there.host !== host) throw conflict(`${there._id} lives on the host ${there.host}.`);
    const own = there.place.slice(placeOn(host, '').length);
    if (path === undefined || path === own) return own;
    throw conflict(`${there._id} lives at ${own}, and its releases with it.`);
  }
}

/** Whoever promotes is who deploys; who stands behind the release may not approve this either. */
function causeOf(made: DeploymentCause | undefined, by: Principal): DeploymentCause {
  return {
    deployer: by.id,
    accounts: [...new Set([by.id, ...(made?.accounts ?? [])])],
    names: made?.names ?? [],
    branch: made?.branch ?? null,
    plan_hash: made?.plan_hash ?? null,
  };
}

/** @param path its folder, whole */
function newService(asked: Omit<Deployment, 'turn'>, path: string): NewService {
  const { service_id: _id, service: name, environment, type, host, created_at } = asked;
  return {
    ...{ _id, id: uuidV7(), name, environment, service_type: type, host },
    ...{ place: placeOn(host, path), status: 'starting' },
    ...{ release_id: null, deployment_id: null, created_at, updated_at: created_at },
  };
}
