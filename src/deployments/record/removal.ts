import { uuidV7 } from '../../common/ids/uuid.js';
import { notBegun, type Service, type DeploySettings } from './deployment.js';
import type { NewDeployment } from './deployment-store.js';

/**
 * A removal as it is asked for.
 * @param settings by which what the service has is reached today
 */
export function removalOf(service: Service, settings: DeploySettings, by: string): NewDeployment {
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
