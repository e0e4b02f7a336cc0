import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/principals/principal.js';
import { conflict } from '../common/errors/millrace.error.js';
import type { Release, Service } from './record/deployment.js';
import { DeploymentStore } from './record/deployment-store.js';
import { type InstanceDeployment, instanceDeployment } from './record/restart.js';
import { Removals } from './removals.js';

/** Services are stopped, started and restarted by will; a worker of their host does it. */
@Injectable()
export class InstanceRequests {
  constructor(
    private readonly store: DeploymentStore,
    private readonly removals: Removals,
  ) {}

  /**
   * @param message of a stop: what whoever asks says of it
   * @returns the id of the deployment that does it
   * @throws as `Removals.deployableBy`; ConflictError: nothing of it serves, it has no instance of
   *   its own, or it is stopped and should be restarted
   */
  async ask(
    kind: InstanceDeployment,
    serviceId: string,
    by: Principal,
    message?: string,
  ): Promise<string> {
    const service = await this.removals.deployableBy(serviceId, by);
    const release = await this.inService(service);
    if (kind === 'restart' && service.stopped) {
      throw conflict(`${serviceId} is stopped.`, {
        suggestions: [`Start it: ./millrace services start ${serviceId}`],
      });
    }
    const asked = instanceDeployment(kind, release, by.id, message);
    const { _id } = await this.store.accept(asked, service);
    return _id;
  }

  private async inService({ _id: id, service_type: type, release_id }: Service): Promise<Release> {
    const release = release_id === null ? undefined : await this.store.release(release_id);
    if (release === undefined) throw conflict(`Nothing of ${id} serves.`);
    if (type === 'local_directory') {
      throw conflict(`${id} is a folder: nothing of it runs that could be stopped or started.`, {
        suggestions: [`To take it out of service: ./millrace services remove ${id}`],
      });
    }
    return release;
  }
}
