import { uuidV7 } from '../../common/ids/uuid.js';
import {
  type Deployment,
  notBegun,
  type Release,
  type RoutedSettings,
  type Service,
  serviceIdOf,
  sshOf,
  withVariablesOf,
} from './deployment.js';

/**
 * That a release serves again, as it was.
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

/**
 * That a release serves again with the variables and secrets of what serves now. A release is never
 * changed, so it is copied: the copy has a number of its own.
 */
export function rollbackWith(
  service: Service,
  release: Release,
  serving: { readonly release: Release; readonly environment: RoutedSettings },
  by: string,
): Omit<Deployment, 'turn'> {
  const back = rollbackOf(service, release, serving.release, by);
  if (!('published' in release.settings)) throw new Error(`${release._id} has no variables`);
  return {
    ...back,
    settings: withVariablesOf(release.settings, serving.environment),
    ...{ release_id: null, source_release_id: release._id },
  };
}
