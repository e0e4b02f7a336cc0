import { uuidV7 } from '../../common/ids/uuid.js';
import { type Deployment, notBegun, type Release } from './deployment.js';
import type { NewDeployment } from './deployment-store.js';

/** What becomes of the instance of the release that is in service; the release stays the same. */
export type InstanceDeployment = Extract<Deployment['kind'], 'restart' | 'stop' | 'start'>;

/**
 * That it is stopped, started again, or another one takes its place; not done where another release
 * is in service by its turn, but for a stop.
 *
 * @param message of a stop: what whoever asks says of it
 */
export function instanceDeployment(
  kind: InstanceDeployment,
  release: Release,
  by: string,
  message?: string,
): NewDeployment {
  const { environment, service, service_id, type, settings, host } = release;
  const { execution_id, pipeline_id, commit } = release;
  const _id = uuidV7();
  return {
    ...{ _id, request_key: _id, kind, environment, service, service_id },
    ...{ type, settings, host, worker_id: null, fence: 0, release_id: release._id },
    ...(message !== undefined && { message }),
    ...{ execution_id, pipeline_id, pipeline_name: null, stage: null, step: null },
    ...{ commit, branch: null, triggered_by: by, ...notBegun(new Date()) },
  };
}

/** That another instance takes the place of one that has failed. */
export function restartOf(release: Release, by: string): NewDeployment {
  return { ...instanceDeployment('restart', release, by), failed_release_id: release._id };
}
