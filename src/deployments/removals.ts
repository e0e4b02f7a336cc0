import { Injectable } from '@nestjs/common';
import { scopeMissing } from '../auth/policy/missing-scope.js';
import type { Principal } from '../auth/principals/principal.js';
import { conflict, notFound } from '../common/errors/millrace.error.js';
import { refused } from './approvals/deployment-approvals.js';
import type { DeploySettings, Service } from './record/deployment.js';
import { DeploymentStore } from './record/deployment-store.js';
import { removalOf } from './record/removal.js';
import { DeploymentGate } from './running/approval-gate.js';

/** Services are taken out of service; a worker of their host does it. */
@Injectable()
export class Removals {
  constructor(
    private readonly store: DeploymentStore,
    private readonly gate: DeploymentGate,
  ) {}

  /**
   * @returns the id of the deployment that removes it
   * @throws NotFoundError; ConflictError: it is a part of a unit; AuthorizationError: the
   *   environment names others who may deploy
   */
  async ask(serviceId: string, by: Principal): Promise<string> {
    const service = await this.deployableBy(serviceId, by);
    if (service.unit) throw conflict(`${serviceId} is a part of ${service.unit}.`);
    const settings = await this.settingsOf(service);
    const { _id } = await this.store.accept(removalOf(service, settings, by.id), service);
    return _id;
  }

  /** A service that somebody may deploy. @throws NotFoundError, AuthorizationError */
  async deployableBy(serviceId: string, by: Principal): Promise<Service> {
    const service = await this.store.service(serviceId);
    if (service === undefined) throw notFound('service', serviceId);
    if (!by.scopes.has('deployments:deploy')) {
      throw scopeMissing('deployments:deploy', by.role);
    }
    const refusal = await this.gate.deployerRefusal(service.environment, by.id);
    if (refusal !== undefined) throw refused(refusal);
    return service;
  }

  /** By which what it has is reached today. */
  private async settingsOf({
    _id,
    release_id: id,
    environment,
    name,
  }: Service): Promise<DeploySettings> {
    const serving = id === null ? undefined : await this.store.release(id);
    if (serving !== undefined) return serving.settings;
    const [last] = (await this.store.list({ environment, service: name }, { limit: 1 })).items;
    if (last === undefined) throw new Error(`${_id} was made by no deployment`);
    return last.settings;
  }
}
