import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/principals/principal.js';
import { conflict, notFound } from '../common/errors/millrace.error.js';
import { uuidV7 } from '../common/ids/uuid.js';
import type { Published } from '../engine/steps/deploy/deploy-action.js';
import { LOOPBACK } from '../engine/steps/deploy/published-reader.js';
import { refused } from './approvals/deployment-approvals.js';
import {
  type Deployment,
  notBegun,
  isKept,
  placed,
  sshOf,
  type Release,
  serviceIdOf,
  type TargetSettings,
  withVariablesOf,
} from './record/deployment.js';
import { causeBy } from './cause-by.js';
import { acceptAt, mustFit, placeOf } from './asked-place.js';
import { DeploymentStore } from './record/deployment-store.js';
import { DeploymentGate } from './running/approval-gate.js';
import { inItAlready } from './refusals.js';

export interface Promotion {
  readonly environment: string;
  /** Of a folder, whole; undefined: where the service lives there. */
  readonly path: string | undefined;
  /** Of a program; undefined: where it is reached there, else a port of PORT_RANGE. */
  readonly published: Published | undefined;
  /** Of a program: with the variables of what serves there. */
  readonly currentEnvironment: boolean;
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
  async promote(
    id: string,
    { environment, ...asked }: Promotion,
    by: Principal,
  ): Promise<Deployment> {
    const from = await this.store.find(id);
    if (from === undefined) throw notFound('deployment', id);
    if (from.environment === environment) {
      throw inItAlready(environment);
    }
    const release = await this.promotable(from);
    const made = await this.store.find(release.deployment_id);
    const cause = causeBy(made?.cause, by);
    const refusal = await this.gate.refusal(environment, cause);
    if (refusal !== undefined) throw refused(refusal);
    const serviceId = serviceIdOf(environment, from.service);
    const there = await this.store.service(serviceId);
    for (const service of [await this.store.service(from.service_id), there]) {
      if (service?.unit) throw conflict(`${service._id} is a part of ${service.unit}.`);
    }
    const serving = there?.release_id ? await this.store.release(there.release_id) : undefined;
    const settings = settingsOf(release, serving, { serviceId, environment, ...asked });
    const place = placeOf(settings);
    mustFit(release, there, place);
    const _id = uuidV7();
    const promotion: Omit<Deployment, 'turn'> = {
      ...{ _id, request_key: _id, kind: 'promote', environment, service: from.service },
      service_id: serviceId,
      ...{ type: release.type, settings, host: release.host, worker_id: null, fence: 0 },
      ...{ release_id: null, source_release_id: release._id, cause },
      ...{ execution_id: release.execution_id, pipeline_id: release.pipeline_id },
      ...{ pipeline_name: made?.pipeline_name ?? null, stage: null, step: null },
      ...{ commit: release.commit, branch: made?.branch ?? null },
      ...{ triggered_by: by.id, ...notBegun(new Date()) },
    };
    return acceptAt(this.store, promotion, there, place);
  }

  /** @throws ConflictError */
  private async promotable({
    release_id: id,
    settings,
  }: Deployment): Promise<Release<TargetSettings>> {
    const release = id === null ? undefined : await this.store.release(id);
    const isThere = release !== undefined && (release.status === 'serving' || isKept(release));
    if (!isThere) {
      throw conflict('The deployment has no release that has served and is kept.', {
        suggestions: ['`./millrace deployments` shows those that have one.'],
      });
    }
    if (sshOf(settings) !== undefined) {
      throw conflict('Only releases on a host of a worker can be promoted.');
    }
    if (release.type === 'hybrid') {
      throw conflict('A unit cannot be promoted.', {
        suggestions: ['Deploy the commit there.'],
      });
    }
    return placed(release);
  }
}

interface AskedSettings extends Promotion {
  readonly serviceId: string;
}

/** @param serving what serves in the other environment. @throws ConflictError */
function settingsOf(
  { settings: own }: Release<TargetSettings>,
  serving: Release | undefined,
  asked: AskedSettings,
): TargetSettings {
  const there = serving?.settings;
  const { serviceId, environment, path, published, currentEnvironment } = asked;
  const keep = there?.keep ?? own.keep;
  if (own.type === 'local_directory') {
    const known = there?.type === 'local_directory' ? there.path : undefined;
    if (path === undefined && known === undefined) {
      throw conflict(`Nothing of that name was deployed to ${environment} yet: name its path.`, {
        suggestions: ['Add "path": "/srv/www/…" (./millrace promote … --path).'],
      });
    }
    return { ...own, path: path ?? known ?? '', keep };
  }
  if (path !== undefined) throw conflict('The release is a program: it has no path.');
  const before = there !== undefined && 'published' in there ? there : undefined;
  if (currentEnvironment && before === undefined) {
    throw conflict(`Nothing serves in ${environment} whose variables it could have.`);
  }
  return {
    ...(currentEnvironment && before ? withVariablesOf(own, before) : own),
    ...{ service_id: serviceId, keep },
    published: published ?? before?.published ?? { address: LOOPBACK },
  };
}
