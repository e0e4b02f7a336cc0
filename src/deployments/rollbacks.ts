import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/principals/principal.js';
import { conflict, notFound } from '../common/errors/millrace.error.js';
import type { Reason } from '../engine/plan/run-state.js';
import { refused } from './approvals/deployment-approvals.js';
import { type Deployment, isKept, type Release, type Service } from './record/deployment.js';
import { DeploymentStore } from './record/deployment-store.js';
import { ReleaseEnvironments } from './running/release-environments.js';
import { rollbackOf, rollbackWith } from './record/rollback.js';
import { noEarlierRelease } from './refusals.js';
import { DeploymentGate } from './running/approval-gate.js';
import { deploymentReasons } from './running/deployment-reasons.js';

export interface AskedRollback {
  /** Number of the release; undefined: the one that served before. */
  readonly number: number | undefined;
  /** With the variables and secrets of what serves now. */
  readonly currentEnvironment: boolean;
}

/** What a rollback would do. */
export interface PlannedRollback {
  readonly service: Service;
  /** That would serve. */
  readonly release: Release;
  /** That serves now; undefined: nothing does. */
  readonly serving: Release | undefined;
  /** What whoever does it should know before. */
  readonly warnings: readonly Reason[];
}

/** Lets releases that are kept serve again, on a worker of their host. */
@Injectable()
export class Rollbacks {
  constructor(
    private readonly store: DeploymentStore,
    private readonly gate: DeploymentGate,
    private readonly environments: ReleaseEnvironments,
  ) {}

  /**
   * Of the service of a deployment. Nothing is changed.
   * @throws NotFoundError, ConflictError: there is no such release, or it serves already
   */
  async plan(of: Deployment, number: number | undefined): Promise<PlannedRollback> {
    const target = await this.target(of, number);
    const { release, serving } = target;
    const warnings =
      release.settings.type === 'hybrid'
        ? await this.environments.ofParts(release, this.store)
        : await this.environments.warnings(release, serving);
    return { ...target, warnings };
  }

  /**
   * Asks for it.
   * @throws as `plan`; AuthorizationError: the environment names others who may deploy;
   *   ConflictError: it has no environment that could be today's
   */
  async ask(
    of: Deployment,
    { number, currentEnvironment }: AskedRollback,
    by: Principal,
  ): Promise<Deployment> {
    const refusal = await this.gate.deployerRefusal(of.environment, by.id);
    if (refusal !== undefined) throw refused(refusal);
    const { service, release, serving } = await this.target(of, number);
    if (!currentEnvironment) {
      return this.store.accept(rollbackOf(service, release, serving, by.id), service);
    }
    const todays = environmentFor(release, serving);
    const warnings = [deploymentReasons.environmentOf(release.number, todays.release.number)];
    const asked = { ...rollbackWith(service, release, todays, by.id), warnings };
    return this.store.accept(asked, service);
  }

  private async target(
    { service_id: serviceId }: Deployment,
    number: number | undefined,
  ): Promise<Omit<PlannedRollback, 'warnings'>> {
    const service = await this.store.service(serviceId);
    if (service === undefined) throw notFound('service', serviceId);
    refusePart(service);
    const releases = await this.store.releasesOf(serviceId);
    const serving = releases.find((one) => one._id === service.release_id);
    const release =
      number === undefined ? before(releases, serving, serviceId) : numbered(releases, number);
    return { service, release, serving };
  }
}

/** Whose environment the release gets. @throws ConflictError */
function environmentFor(
  { settings: { type } }: Release,
  serving: Release | undefined,
): Parameters<typeof rollbackWith>[2] {
  if (type === 'hybrid') {
    throw conflict('A unit goes back with the variables that its parts had.', {
      suggestions: ['Roll it back as it was, or deploy the commit once more.'],
    });
  }
  if (type === 'local_directory') throw conflict('The release is a folder: it has no variables.');
  if (serving === undefined || !('published' in serving.settings)) {
    throw conflict('Nothing serves whose variables it could have.');
  }
  return { release: serving, environment: serving.settings };
}

/** @throws ConflictError */
function refusePart(service: Service): void {
  if (!service.unit) return;
  const { message } = deploymentReasons.partOfUnit(service);
  throw conflict(`${message}.`, { suggestions: ['Roll the unit back.'] });
}

/** The newest of those that have served and are kept, older than the one that serves. */
function before(
  releases: readonly Release[],
  serving: Release | undefined,
  serviceId: string,
): Release {
  const found = releases.find(
    (release) => isKept(release) && serving !== undefined && release.number < serving.number,
  );
  if (found === undefined) throw noEarlierRelease(serviceId);
  return found;
}

function numbered(releases: readonly Release[], number: number): Release {
  const found = releases.find((one) => one.number === number);
  if (found !== undefined && isKept(found)) return found;
  const kept = releases.filter(isKept).map((one) => one.number);
  const suggestions = [
    kept.length === 0
      ? 'No release is kept beside the one that serves.'
      : `Kept: ${kept.join(', ')}`,
  ];
  if (found === undefined) throw conflict(`There is no release ${number}.`, { suggestions });
  if (found.status === 'serving') throw conflict(`Release ${number} serves already.`);
  throw conflict(`Release ${number} is not kept any more.`, { suggestions });
}
