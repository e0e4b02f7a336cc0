import { Injectable } from '@nestjs/common';
import { scopeMissing } from '../auth/policy/missing-scope.js';
import type { Principal } from '../auth/principals/principal.js';
import { notFound } from '../common/errors/millrace.error.js';
import { uuidV7 } from '../common/ids/uuid.js';
import { refused } from './approvals/deployment-approvals.js';
import { notBegun, type Service, type TargetSettings } from './record/deployment.js';
import { DeploymentStore, type NewDeployment } from './record/deployment-store.js';
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
   * @throws NotFoundError; AuthorizationError: the environment names others who may deploy
   */
  async ask(serviceId: string, by: Principal): Promise<string> {
    const service = await this.store.service(serviceId);
    if (service === undefined) throw notFound('service', serviceId);
    if (!by.scopes.has('deployments:deploy')) {
      throw scopeMissing('deployments:deploy', by.role);
    }
    const refusal = await this.gate.deployerRefusal(service.environment, by.id);
    if (refusal !== undefined) throw refused(refusal);
    const settings = await this.settingsOf(service);
    const { _id } = await this.store.accept(removalOf(service, settings, by.id), service);
    return _id;
  }

  /** By which what it has is reached today. */
  private async settingsOf({
    _id,
    release_id: id,
    environment,
    name,
  }: Service): Promise<TargetSettings> {
    const serving = id === null ? undefined : await this.store.release(id);
    if (serving !== undefined) return serving.settings;
    const [last] = (await this.store.list({ environment, service: name }, { limit: 1 })).items;
    if (last === undefined) throw new Error(`${_id} was made by no deployment`);
    return last.settings;
  }
}

function removalOf(service: Service, settings: TargetSettings, by: string): NewDeployment {
  const { environment, name, host, service_type: type } = service;
  const _id = uuidV7();
  return {
    ...{ _id, request_key: _id, kind: 'remove', environment, service: name },
    ...{ service_id: service._id, type, settings, host, worker_id: null, fence: 0 },
    ...{ release_id: null, execution_id: null, pipeline_id: null, pipeline_name: null },
    ...{ stage: null, step: null, commit: null, branch: null },
    ...{ triggered_by: by, ...notBegun(new Date()) },
  };
}
