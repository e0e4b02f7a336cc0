import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import { WorkerLease } from '../../workers/worker-lease.js';
import { WorkersRepository } from '../../workers/workers.repository.js';
import { type Deployment, isFinished } from '../record/deployment.js';
import { DeploymentStore } from '../record/deployment-store.js';
import { TargetAwayError } from '../targets/deploy-target.js';
import { DeploymentFencedError } from './recorded-run.js';
import { OwnDeployments } from './own-deployments.js';
import { SuspendedDeployments } from './suspended-deployments.js';

const INTERVAL_MS = 1_000;
/** A host that cannot be reached is asked again after this, ms. */
const AWAY_MS = 15_000;
/** Between two looks at what waits for, or is held by, something else that may be over, ms. */
const SLOW_ROUND_MS = 3_000;

/**
 * Does the deployments of this host, and of hosts that are reached by SSH, that no step does: what
 * was asked for by the API, and what a worker that is gone has left, or this one after an outage of
 * the database.
 */
@Injectable()
export class DeploymentsProcessor extends BackgroundRounds implements BeforeApplicationShutdown {
  private readonly stop = new AbortController();
  private readonly running = new Set<Promise<void>>();
  /** Id of a deployment whose host was away to when it is taken up again. */
  private readonly later = new Map<string, number>();
  private slowRoundAt = 0;

  constructor(
    private readonly store: DeploymentStore,
    private readonly own: OwnDeployments,
    private readonly workers: WorkersRepository,
    private readonly lease: WorkerLease,
    private readonly suspended: SuspendedDeployments,
  ) {
    super({ everyMs: INTERVAL_MS, firstAfterMs: 0 });
    lease.whenLost(() => this.interrupt());
  }

  /** What has not switched yet is taken back; the rest is finished. */
  async beforeApplicationShutdown(): Promise<void> {
    this.interrupt();
    await Promise.all(this.running);
  }

  protected async work(): Promise<void> {
    if (this.stop.signal.aborted) return;
    const all = await this.store.unfinishedOn(this.own.host);
    const apart = all.filter(({ _id }) => !this.own.has(_id));
    if (performance.now() >= this.slowRoundAt) {
      this.slowRoundAt = performance.now() + SLOW_ROUND_MS;
      // People may take days: what they are waited for is not looked at in every round.
      await this.suspended.endAbandoned(apart.filter((one) => one.suspended_in != null));
      await this.freeHeld();
    }
    const left = await this.notOfUnits(apart.filter((one) => one.suspended_in == null));
    const ids = new Set(left.map(({ _id }) => _id));
    for (const id of this.later.keys()) if (!ids.has(id)) this.later.delete(id);
    const others = left.flatMap(({ worker_id: id }) => (id === null ? [] : [id]));
    const live = await this.workers.liveAmong([...new Set(others)]);
    for (const deployment of left) {
      const { worker_id: worker } = deployment;
      const isElsewhere = worker !== null && worker !== this.lease.id && live.has(worker);
      const isLater = (this.later.get(deployment._id) ?? 0) > performance.now();
      if (!isElsewhere && !isLater) this.begin(deployment);
    }
  }

  /**
   * Services of deployments that are over: whoever ended those was killed before it could free
   * them. What holds a service keeps others from starting it again and from acting on its failures.
   */
  private async freeHeld(): Promise<void> {
    const held = await this.store.heldServices();
    const all = await this.store.deploymentsWith(held.map(({ active }) => active));
    for (const { _id, active } of held) {
      const deployment = all.get(active);
      if (deployment && !isFinished(deployment)) continue;
      await this.store.freeService(_id, active);
      this.logger.debug({ service: _id, deploymentId: active }, 'a service is held no more');
    }
  }

  /** Parts of a unit that is not over are that one's: whoever has it finishes them too. */
  private async notOfUnits(all: readonly Deployment[]): Promise<readonly Deployment[]> {
    const isOpen = await Promise.all(
      all.map(async ({ unit }) => {
        const found = unit && (await this.store.find(unit.deployment_id));
        return found !== undefined && !isFinished(found);
      }),
    );
    return all.filter((_, index) => isOpen[index] !== true);
  }

  private begin(deployment: Deployment): void {
    const running = this.finish(deployment).finally(() => this.running.delete(running));
    this.running.add(running);
  }

  /** Never rejects. */
  private async finish(seen: Deployment): Promise<void> {
    const { _id: deploymentId } = seen;
    try {
      await this.own.during(deploymentId, async () => {
        const taken = await this.store.take(seen, this.lease.id);
        if (taken) await this.own.run(taken, { signal: this.stop.signal });
      });
    } catch (error) {
      if (error instanceof TargetAwayError) {
        this.later.set(deploymentId, performance.now() + AWAY_MS);
        this.logger.warn({ err: error, deploymentId }, 'the host of a deployment is away');
      } else if (isDatabaseUnavailable(error) || error instanceof DeploymentFencedError) {
        this.logger.debug({ err: error, deploymentId }, 'a deployment is left for later');
      } else {
        this.logger.error({ err: error, deploymentId }, 'a deployment could not be finished');
      }
    }
  }

  private interrupt(): void {
    this.stop.abort({ kind: 'interrupt' });
  }
}
