import { Injectable } from '@nestjs/common';
import { conflict, notFound } from '../common/errors/millrace.error.js';
import type { Page, PageRequest } from '../common/http/paging.js';
import type { Reservation } from '../idempotency/reservation.js';
import type { Principal } from '../auth/principals/principal.js';
import { SuspendedWaits } from './approvals/suspended-waits.js';
import { DeploymentApprovals } from './approvals/deployment-approvals.js';
import type { DeploymentView } from './dto/deployment.response.js';
import type { ExplainedDeployment } from './explanation/deployment-explanation.js';
import { type Deployment, isFinished } from './record/deployment.js';
import { type DeploymentFilter, DeploymentStore } from './record/deployment-store.js';
import { type AskedDeployment, DirectDeployments } from './direct/direct-deployments.js';
import { type Promotion, Promotions } from './promotions.js';
import { deploymentReasons } from './running/deployment-reasons.js';
import { deploymentOver, hasSwitched } from './refusals.js';
import { type AskedRollback, type PlannedRollback, Rollbacks } from './rollbacks.js';

/** What the API does with deployments; a worker of their host does the rest. */
@Injectable()
export class DeploymentsService {
  constructor(
    private readonly store: DeploymentStore,
    private readonly approvals: DeploymentApprovals,
    private readonly direct: DirectDeployments,
    private readonly promotions: Promotions,
    private readonly rollbacks: Rollbacks,
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
    const service = await this.store.service(deployment.service_id);
    const serving = service?.stopped ? null : service?.release_id;
    const copied = deployment.source_release_id;
    const others = await this.store.releasesWith([serving, copied].flatMap((one) => one ?? []));
    return {
      ...{ deployment, release, previous, given: approval?.given ?? [] },
      serving: others.get(serving ?? ''),
      source: others.get(copied ?? ''),
    };
  }

  /** @throws as `Rollbacks.plan` */
  async planRollback(id: string, number: number | undefined): Promise<PlannedRollback> {
    return this.rollbacks.plan(await this.demand(id), number);
  }

  /** @throws NotFoundError; as `Rollbacks.ask` */
  async rollback(id: string, asked: AskedRollback, by: Principal): Promise<DeploymentView> {
    return this.view(await this.rollbacks.ask(await this.demand(id), asked, by));
  }

  /** @throws as `DirectDeployments.deploy` */
  async deploy(asked: AskedDeployment, by: Principal, as: Reservation): Promise<DeploymentView> {
    return this.view(await this.direct.deploy(asked, by, as));
  }

  /** @throws as `Promotions.promote` */
  async promote(id: string, promotion: Promotion, by: Principal): Promise<DeploymentView> {
    return this.view(await this.promotions.promote(id, promotion, by));
  }

  /** @throws NotFoundError, ConflictError: it is over, or has switched */
  async cancel(id: string, by: string): Promise<DeploymentView> {
    const deployment = await this.demand(id);
    const { unit } = deployment;
    if (isFinished(deployment)) throw deploymentOver();
    if (unit !== undefined) {
      throw conflict(
        `It is a part of the deployment ${unit.deployment_id} of ${unit.service_id}.`,
        {
          suggestions: ['Cancel that one.'],
        },
      );
    }
    if (await this.endUnbegun(deployment, by)) return this.get(id);
    if (!(await this.store.requestCancel(id, by))) {
      throw isFinished(await this.demand(id)) ? deploymentOver() : hasSwitched();
    }
    await this.waits.lookAt(deployment);
    return this.get(id);
  }

  /**
   * One that no worker has taken ends at once: its host may never come back, and whoever waits
   * behind it would wait for ever. False: a worker has it, and ends it.
   */
  private async endUnbegun(deployment: Deployment, by: string): Promise<boolean> {
    const { _id: id, fence, phase, worker_id: worker, watched, service_id } = deployment;
    if (worker !== null || phase !== null || watched !== undefined) return false;
    const isEnded = await this.store.change(
      { id, fence },
      {
        ...{ status: 'cancelled', reason: deploymentReasons.cancelled(by) },
        ...{ cancel_requested_by: by, finished_at: new Date() },
      },
    );
    if (isEnded) await this.store.freeService(service_id, id);
    return isEnded;
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
