import type { Release, RoutedSettings } from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import type { PlacedRelease } from '../targets/deploy-target.js';

/** The instance of a service that serves on this host, or why there is none. */
export type ServingInstance =
  | { readonly kind: 'instance'; readonly release: PlacedRelease<RoutedSettings> }
  | { readonly kind: 'none'; readonly why: string };

/** Rejects when the record is away. @param host of this worker */
export async function servingInstance(
  store: DeploymentStore,
  serviceId: string,
  host: string,
): Promise<ServingInstance> {
  const service = await store.service(serviceId);
  if (service?.release_id == null) return none('nothing of it serves');
  if (service.stopped) return none('it is stopped');
  const release = await store.release(service.release_id);
  if (release === undefined) return none('the record has no release that serves');
  if (release.host !== host) {
    return none(`it runs on ${release.host}, and a worker there has to look`);
  }
  return placedInstance(serviceId, release);
}

function placedInstance(
  service_id: string,
  { settings, number, instance }: Release,
): ServingInstance {
  if (!('published' in settings)) return none('it has no instance of its own');
  const release = { number, service_id, settings, ...(instance !== undefined && { instance }) };
  return { kind: 'instance', release };
}

function none(why: string): ServingInstance {
  return { kind: 'none', why };
}
