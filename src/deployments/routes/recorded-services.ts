import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/principals/principal.js';
import type { Page, PageRequest } from '../../common/http/paging.js';
import { LeaseList } from '../../ports/lease-list.js';
import { PortLeases } from '../../ports/port-leases.js';
import {
  type DeployedService,
  DeployedServices,
  type InstanceRequest,
  type OwnedThings,
  type ServiceStop,
  type ServiceSwitch,
} from '../../service-registry/deployed-services.js';
import { InstanceRequests } from '../instance-requests.js';
import type { PlannedStop, Release, Service } from '../record/deployment.js';
import { DeploymentStore } from '../record/deployment-store.js';
import { Removals } from '../removals.js';
import { ownedBy, partsOfUnit } from './owned-things.js';
import { listenOf } from './service-route.js';

/** Deployments of a service that are looked through for those that came to their switch. */
const LAST_DEPLOYMENTS = 10;

/** Shows the registry what was deployed. */
@Injectable()
export class RecordedServices extends DeployedServices {
  constructor(
    private readonly store: DeploymentStore,
    private readonly ports: PortLeases,
    private readonly removals: Removals,
    private readonly instances: InstanceRequests,
  ) {
    super();
  }

  async find(id: string): Promise<DeployedService | undefined> {
    return (await this.among([id])).get(id);
  }

  async findByUuid(uuid: string): Promise<DeployedService | undefined> {
    const service = await this.store.serviceWithUuid(uuid);
    return service && (await this.shown([service]))[0];
  }

  async among(ids: readonly string[]): Promise<ReadonlyMap<string, DeployedService>> {
    const some = await this.shown(await this.store.servicesWith(ids));
    return new Map(some.map((service) => [service.id, service]));
  }

  async page(request: PageRequest): Promise<Page<DeployedService>> {
    const page = await this.store.services(request);
    return { ...page, items: await this.shown(page.items) };
  }

  async switches(id: string): Promise<readonly ServiceSwitch[]> {
    const known = await this.store.service(id);
    if (known === undefined) return [];
    const { environment, name: service, deployment_id: serving } = known;
    const { items } = await this.store.list({ environment, service }, { limit: LAST_DEPLOYMENTS });
    return items.flatMap(({ _id, phases, finished_at: until }) => {
      const begun = phases.find(({ name }) => name === 'switch');
      if (begun === undefined) return [];
      return [{ deploymentId: _id, from: begun.started_at, until, isServing: _id === serving }];
    });
  }

  async onHost(host: string): Promise<readonly DeployedService[]> {
    return this.shown(await this.store.servicesOn(host));
  }

  async mustBeDeployer(id: string, by: Principal): Promise<void> {
    await this.removals.deployableBy(id, by);
  }

  async owned(id: string): Promise<readonly OwnedThings[]> {
    const service = await this.store.service(id);
    if (service === undefined) return [];
    const all = [...(await partsOfUnit(id, this.store)), service];
    return Promise.all(all.map((one) => ownedBy(one, this.store, this.ports)));
  }

  remove(id: string, by: Principal): Promise<string> {
    return this.removals.ask(id, by);
  }

  askInstance(
    id: string,
    request: InstanceRequest,
    by: Principal,
    reason?: string,
  ): Promise<string> {
    return this.instances.ask(request, id, by, reason);
  }

  private async shown(services: readonly Service[]): Promise<readonly DeployedService[]> {
    const programs = services.filter(({ service_type: type }) => type !== 'local_directory');
    const serving = programs.flatMap(({ release_id: id }) => id ?? []);
    const releases = serving.length === 0 ? undefined : await this.store.releasesWith(serving);
    const hosts = [...(releases?.values() ?? [])].map(({ host }) => host);
    const ports = await LeaseList.ofHosts(this.ports, hosts);
    return Promise.all(
      services.map(async (service) => {
        const release = service.release_id ? releases?.get(service.release_id) : undefined;
        return deployedService(service, release, release ? await endpointsOf(release, ports) : []);
      }),
    );
  }
}

/** Where its route answers on its own host. Of a folder nothing does, and of a unit its parts. */
async function endpointsOf(
  { service_id: id, settings, host }: Release,
  ports: Pick<LeaseList, 'list'>,
): Promise<string[]> {
  if (!('published' in settings)) return [];
  const listen = await listenOf(id, settings.published, ports, host);
  return listen && 'port' in listen ? [`http://127.0.0.1:${listen.port}`] : [];
}

function deployedService(
  service: Service,
  release: Release | undefined,
  endpoints: readonly string[],
): DeployedService {
  const settings = release?.settings;
  const hasInstance = settings !== undefined && 'published' in settings;
  const checks = hasInstance ? (settings.checks ?? []) : [];
  const { _id, id, name, environment, host, process_id: processId = null } = service;
  const status = service.status === 'removed' ? 'stopped' : service.status;
  return {
    ...{ id: _id, uuid: id, name, environment, type: service.service_type, host, status },
    ...{ deploymentId: service.deployment_id, endpoints, hasInstance, checks },
    problem: service.problem ?? null,
    stopped: service.stopped ? serviceStop(service.stopped) : null,
    ...{ containerId: null, processId },
    ...{ createdAt: service.created_at, updatedAt: service.updated_at },
  };
}

function serviceStop({ deployment_id, by, at, message: reason }: PlannedStop): ServiceStop {
  return { deploymentId: deployment_id, by, at, reason };
}
