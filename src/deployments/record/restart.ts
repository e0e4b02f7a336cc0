import { uuidV7 } from '../../common/ids/uuid.js';
import { type Deployment, notBegun, type Release } from './deployment.js';

/** That another instance of the release that serves takes the place of the one that does. */
export function restartOf(release: Release, by: string): Omit<Deployment, 'turn'> {
  const { environment, service, service_id, type, settings, host } = release;
  const { execution_id, pipeline_id, commit } = release;
  const _id = uuidV7();
  return {
    ...{ _id, request_key: _id, kind: 'restart', environment, service, service_id },
    ...{ type, settings, host, worker_id: null, fence: 0, release_id: release._id },
    failed_release_id: release._id,
    ...{ execution_id, pipeline_id, pipeline_name: null, stage: null, step: null },
    ...{ commit, branch: null, triggered_by: by, ...notBegun(new Date()) },
  };
}
