import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type OwnerAnswer, PortOwners } from '../../ports/port-owners.js';
import type { PortOwner } from '../../ports/port-lease.js';
import { hasDrain, type ReleaseStatus } from './deployment.js';
import { DeploymentStore } from './deployment-store.js';

/** Of a release with one of these an instance may run. */
const RUNNING: ReadonlySet<ReleaseStatus> = new Set([
  ...(['preparing', 'prepared', 'serving', 'draining'] as const),
]);

/** Tells which of the ports that deployments have taken are needed still. */
@Injectable()
export class DeployedPortOwners implements OnModuleInit {
  constructor(
    private readonly owners: PortOwners,
    private readonly store: DeploymentStore,
  ) {}

  onModuleInit(): void {
    this.owners.register('deployments', (owner) => this.exists(owner));
  }

  /** Ids of services have a slash; see `service-route.ts` for the releases. */
  async exists({ service: serviceId, release }: PortOwner): Promise<OwnerAnswer> {
    if (!serviceId.includes('/')) return 'not_mine';
    const service = await this.store.service(serviceId);
    if (service === undefined) return 'gone';
    const [number = NaN, instance = 0] = release.split('-').map(Number);
    const isUnused = service.release_id === null && service.active === null;
    if (Number.isNaN(number)) return isUnused ? 'gone' : 'exists';
    const active = service.active ? await this.store.find(service.active) : undefined;
    const found = (await this.store.releasesOf(serviceId)).find((one) => one.number === number);
    if (found === undefined) return 'gone';
    const isOther = instance !== (found.instance ?? 0);
    const isDeployed = found._id === active?.release_id;
    const isLeft = hasDrain(found, instance, Date.now());
    if (isOther) return isDeployed || isLeft ? 'exists' : 'gone';
    const isWanted = isDeployed || (found._id === service.release_id && !service.stopped);
    return isWanted || RUNNING.has(found.status) ? 'exists' : 'gone';
  }
}
