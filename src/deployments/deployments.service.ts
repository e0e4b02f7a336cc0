import { Injectable } from '@nestjs/common';
import { conflict, notFound } from '../common/errors/millrace.error.js';
import type { Page, PageRequest } from '../common/http/paging.js';
import type { Principal } from '../auth/principals/principal.js';
import { SuspendedWaits } from './approvals/suspended-waits.js';
import { DeploymentApprovals, refused } from './approvals/deployment-approvals.js';
import type { DeploymentView } from './dto/deployment.response.js';
import type { ExplainedDeployment } from './explanation/deployment-explanation.js';
import {
  type Deployment,
  isKept,
  isFinished,
  type Release,
  type Service,
} from './record/deployment.js';
import { type DeploymentFilter, DeploymentStore } from './record/deployment-store.js';
import { rollbackOf } from './record/rollback.js';
import { type Promotion, Promotions } from './promotions.js';
import { DeploymentGate } from './running/approval-gate.js';
import { deploymentReasons } from './running/deployment-reasons.js';
import { deploymentOver, hasSwitched, noEarlierRelease } from './refusals.js';

/** What the API does with deployments; a worker of their host does the rest. */
@Injectable()
export class DeploymentsService {
  constructor(
    private readonly store: DeploymentStore,
    private readonly gate: DeploymentGate,
    private readonly approvals: DeploymentApprovals,
    private readonly promotions: Promotions,
    private readonly waits: SuspendedWaits,
  ) {}

  async list(filter: DeploymentFilter, page: PageRequest): Promise<Page<DeploymentView>> {
    const { items, ...rest } = await this.store.list(filter, page);
    return { ...rest, items: await this.views(items) };
  }

  /** @throws NotFoundError */
  async get(id: string): Promise<DeploymentView> {
    return this.view(await this.demand(id));
  }

  /** With all that says why it is as it is. @throws NotFoundError */
  async explain(id: string): Promise<ExplainedDeployment> {
    const view = await this.get(id);
    const { deployment, release, previous, approval } = view;
    const serving = (await this.store.service(deployment.service_id))?.release_id;
    const copied = deployment.source_release_id;
    const others = await this.store.releasesWith([serving, copied].flatMap((one) => one ?? []));
    return {
      ...{ deployment, release, previous, given: approval?.given ?? [] },
      serving: others.get(serving ?? ''),
      source: others.get(copied ?? ''),
    };
  }

  /**
   * Asks that a release of the service of a deployment serves again.
   * @throws NotFoundError, ConflictError: there is none, or it serves already; AuthorizationError:
   *   the environment names others who may deploy
   */
  async rollback(id: string, number: number | undefined, by: Principal): Promise<DeploymentView> {
    const { service_id: serviceId, environment } = await this.demand(id);
    const refusal = await this.gate.deployerRefusal(environment, by.id);
    if (refusal !== undefined) throw refused(refusal);
    const service = await this.store.service(serviceId);
    if (service === undefined) throw notFound('service', serviceId);
    refusePart(service);
    const releases = await this.store.releasesOf(serviceId);
    const serving = releases.find((one) => one._id === service.release_id);
    const release = number === undefined ? before(releases, service) : numbered(releases, number);
    const accepted = await this.store.accept(rollbackOf(service, release, serving, by.id), service);
    return this.view(accepted);
  }

  /** @throws as `Promotions.promote` */
  async promote(id: string, promotion: Promotion, by: Principal): Promise<DeploymentView> {
    return this.view(await this.promotions.promote(id, promotion, by));
  }

  /** @throws NotFoundError, ConflictError: it is over, or has switched */
  async cancel(id: string, by: string): Promise<DeploymentView> {
    const deployment = await this.demand(id);
    const { phase, unit } = deployment;
    if (isFinished(deployment)) throw deploymentOver();
    if (unit !== undefined) {
      throw conflict(
        `It is a part of the deployment ${unit.deployment_id} of ${unit.service_id}.`,
        {
          suggestions: ['Cancel that one.'],
        },
      );
    }
    if (phase === 'switch' || phase === 'clean_up') {
      throw hasSwitched();
    }
    await this.store.requestCancel(id, by);
    await this.waits.lookAt(deployment);
    return this.get(id);
  }

  private async demand(id: string): Promise<Deployment> {
    const deployment = await this.store.find(id);
    if (deployment === undefined) throw notFound('deployment', id);
    return deployment;
  }

  private async view(deployment: Deployment): Promise<DeploymentView> {
    const [view] = await this.views([deployment]);
    if (view === undefined) throw new Error('one deployment has one view');
    return view;
  }

  private async views(deployments: readonly Deployment[]): Promise<readonly DeploymentView[]> {
    const refs = deployments.flatMap(({ parts = [] }) => parts);
    const parts = await this.store.deploymentsWith(refs.map(({ deployment_id: id }) => id));
    const ids = [...deployments, ...parts.values()].flatMap(
      ({ release_id: id, previous_release_id: before }) =>
        [id, before].filter((one) => one !== null),
    );
    const releases = await this.store.releasesWith([...new Set(ids)]);
    return Promise.all(
      deployments.map(async (deployment) => ({
        deployment,
        release: releases.get(deployment.release_id ?? ''),
        previous: releases.get(deployment.previous_release_id ?? ''),
        approval: await this.approvals.viewOf(deployment),
        parts: (deployment.parts ?? []).flatMap(({ deployment_id: id }) => {
          const part = parts.get(id);
          return part ? [{ deployment: part, release: releases.get(part.release_id ?? '') }] : [];
        }),
      })),
    );
  }
}

/** @throws ConflictError */
function refusePart(service: Service): void {
  if (!service.unit) return;
  const { message } = deploymentReasons.partOfUnit(service);
  throw conflict(`${message}.`, { suggestions: ['Roll the unit back.'] });
}

/** The newest of those that have served and are kept, older than the one that serves. */
function before(releases: readonly Release[], { release_id: id, _id }: Service): Release {
  const serving = releases.find((one) => one._id === id);
  const found = releases.find(
    (release) => isKept(release) && serving !== undefined && release.number < serving.number,
  );
  if (found === undefined) {
    throw noEarlierRelease(_id);
  }
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
