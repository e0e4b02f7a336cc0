import { conflict } from '../common/errors/millrace.error.js';
import { uuidV7 } from '../common/ids/uuid.js';
import {
  type Deployment,
  placeOn,
  type Service,
  type TargetSettings,
} from './record/deployment.js';
import {
  type DeploymentStore,
  type NewDeployment,
  type NewService,
  noPlace,
  PlaceTakenError,
} from './record/deployment-store.js';
import { routePlace } from './routes/service-route.js';

/** What settings hold of their host, as far as the API knows it: undefined of a relative folder. */
export function placeOf(settings: TargetSettings): string | undefined {
  if (settings.type !== 'local_directory') {
    return routePlace(settings.service_id, settings.published);
  }
  return settings.path.startsWith('/') ? settings.path : undefined;
}

/** What serves there stays where it is, and what it is. @throws ConflictError */
export function mustFit(
  { host, type }: Pick<Deployment, 'host' | 'type'>,
  there: Service | undefined,
  place: string | undefined,
): void {
  if (there === undefined || there.release_id === null) return;
  const { _id, service_type: own } = there;
  if (own !== type) throw conflict(`${_id} is a ${own}, and the release a ${type}.`);
  if (there.host !== host) throw conflict(`${_id} lives on the host ${there.host}.`);
  const lives = there.place.slice(placeOn(host, '').length);
  if (place !== undefined && lives !== place) {
    throw conflict(`${_id} lives at ${lives}, and its releases with it.`);
  }
}

/**
 * Into the line of its service, which is made where there is none.
 * @param place of a new service; undefined: its worker says it
 * @throws ConflictError
 */
export async function acceptAt(
  store: DeploymentStore,
  asked: NewDeployment,
  there: Service | undefined,
  place: string | undefined,
): Promise<Deployment> {
  const { service_id: _id, service: name, environment, type, host, created_at } = asked;
  const made: NewService = {
    ...{ _id, id: uuidV7(), name, environment, service_type: type, host },
    ...{ place: place === undefined ? noPlace(_id) : placeOn(host, place), status: 'starting' },
    ...{ release_id: null, deployment_id: null, created_at, updated_at: created_at },
  };
  try {
    return await store.accept(asked, there ?? made);
  } catch (error) {
    if (!(error instanceof PlaceTakenError)) throw error;
    throw conflict(`${place ?? name} belongs to another service: ${error.serviceId}.`);
  }
}
