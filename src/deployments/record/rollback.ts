import { uuidV7 } from '../../common/ids/uuid.js';
import {
  type Deployment,
  notBegun,
  type Release,
  type Service,
  serviceIdOf,
  sshOf,
} from './deployment.js';

/**
 * That a release serves again.
 * @param serving the way by which that was brought to its host leads there today
 */
export function rollbackOf(
  service: Service,
  release: Release,
  serving: Release | undefined,
  by: string,
): Omit<Deployment, 'turn'> {
  const ssh = serving && sshOf(serving.settings);
  const settings =
    release.settings.type === 'local_directory' && ssh
      ? { ...release.settings, ssh }
      : release.settings;
  const { environment, name } = service;
  const _id = uuidV7();
  return {
    ...{ _id, request_key: _id, kind: 'rollback', environment, service: name },
    service_id: serviceIdOf(environment, name),
    ...{ type: release.type, settings, host: release.host },
    ...{ worker_id: null, fence: 0, release_id: release._id },
    ...{ execution_id: release.execution_id, pipeline_id: release.pipeline_id },
    ...{ pipeline_name: null, stage: null, step: null, commit: release.commit, branch: null },
    ...{ triggered_by: by, ...notBegun(new Date()) },
  };
}
