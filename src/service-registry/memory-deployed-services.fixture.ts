import type { Principal } from '../auth/principals/principal.js';
import { type Page, pageOf, type PageRequest } from '../common/http/paging.js';
import { uuidV7 } from '../common/ids/uuid.js';
import {
  type DeployedService,
  DeployedServices,
  type InstanceRequest,
  type OwnedThings,
  type ServiceSwitch,
} from './deployed-services.js';

/** Stands in for the record of deployments. */
export class MemoryDeployedServices extends DeployedServices {
  readonly services = new Map<string, DeployedService>();
  readonly switched = new Map<string, readonly ServiceSwitch[]>();

  /** Puts one there. */
  has(name: string, more: Partial<DeployedService> = {}): DeployedService {
    const one: DeployedService = {
      ...{ id: `default/${name}`, uuid: uuidV7(), name, environment: 'default' },
      ...{ type: 'local_directory', host: 'here', status: 'running', deploymentId: uuidV7() },
      ...{ endpoints: [], hasInstance: false, checks: [], containerId: null, processId: null },
      ...{ problem: null, stopped: null },
      ...{ createdAt: new Date(0), updatedAt: new Date(0), ...more },
    };
    this.services.set(one.id, one);
    return one;
  }

  find(id: string): Promise<DeployedService | undefined> {
    return Promise.resolve(this.services.get(id));
  }

  findByUuid(uuid: string): Promise<DeployedService | undefined> {
    return Promise.resolve([...this.services.values()].find((one) => one.uuid === uuid));
  }

  among(ids: readonly string[]): Promise<ReadonlyMap<string, DeployedService>> {
    return Promise.resolve(new Map([...this.services].filter(([id]) => ids.includes(id))));
  }

  page({ limit, after }: PageRequest): Promise<Page<DeployedService>> {
    const rows = [...this.services.values()]
      .filter(({ id }) => after === undefined || id > after)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    return Promise.resolve(pageOf(rows, limit, ({ id }) => id));
  }

  /** By the id of a principal: why it may not deploy. */
  readonly refusals = new Map<string, Error>();

  mustBeDeployer(_id: string, by: Principal): Promise<void> {
    const refusal = this.refusals.get(by.id);
    return refusal ? Promise.reject(refusal) : Promise.resolve();
  }

  owned(id: string): Promise<readonly OwnedThings[]> {
    const { type = '', host = '' } = this.services.get(id) ?? {};
    const none = { folders: [], instances: [], images: [], ports: [], routes: [] };
    return Promise.resolve([{ id, type, host, releases: [1], ...none }]);
  }

  remove(id: string, by: Principal): Promise<string> {
    return Promise.resolve(`removal of ${id} by ${by.id}`);
  }

  askInstance(id: string, request: InstanceRequest, by: Principal, reason = ''): Promise<string> {
    return Promise.resolve([request, id, by.id, reason].join(' ').trim());
  }

  switches(id: string): Promise<readonly ServiceSwitch[]> {
    return Promise.resolve(this.switched.get(id) ?? []);
  }

  onHost(host: string): Promise<readonly DeployedService[]> {
    return Promise.resolve([...this.services.values()].filter((one) => one.host === host));
  }
}
