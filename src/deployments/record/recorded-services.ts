import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../common/http/paging.js';
import {
  type DeployedService,
  DeployedServices,
} from '../../service-registry/deployed-services.js';
import type { Service } from './deployment.js';
import { DeploymentStore } from './deployment-store.js';

/** Shows the registry what was deployed. */
@Injectable()
export class RecordedServices extends DeployedServices {
  constructor(private readonly store: DeploymentStore) {
    super();
  }

  async find(id: string): Promise<DeployedService | undefined> {
    const service = await this.store.service(id);
    return service && deployedService(service);
  }

  async findByUuid(uuid: string): Promise<DeployedService | undefined> {
    const service = await this.store.serviceWithUuid(uuid);
    return service && deployedService(service);
  }

  async among(ids: readonly string[]): Promise<ReadonlyMap<string, DeployedService>> {
    const some = await this.store.servicesWith(ids);
    return new Map(some.map((service) => [service._id, deployedService(service)]));
  }

  async page(request: PageRequest): Promise<Page<DeployedService>> {
    const page = await this.store.services(request);
    return { ...page, items: page.items.map(deployedService) };
  }

  async onHost(host: string): Promise<readonly DeployedService[]> {
    return (await this.store.servicesOn(host)).map(deployedService);
  }
}

/** Of a folder nothing answers by itself: it has no endpoint. */
function deployedService(service: Service): DeployedService {
  const { _id, id, name, environment, host, status } = service;
  return {
    ...{ id: _id, uuid: id, name, environment, type: service.service_type, host, status },
    ...{ deploymentId: service.deployment_id, endpoints: [], containerId: null, processId: null },
    ...{ createdAt: service.created_at, updatedAt: service.updated_at },
  };
}
