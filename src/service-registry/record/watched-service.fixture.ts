import { uuidV7 } from '../../common/ids/uuid.js';
import { DEFAULT_CHECK } from '../checks/service-check.js';
import { NO_MAINTENANCE } from './maintenance.js';
import {
  type NewWatchedService,
  REGISTERED_SHARD,
  type WatchedService,
} from './watched-service.js';

/** A service of a spec. */
export function newService(more: Partial<NewWatchedService> = {}): NewWatchedService {
  const { name = 'shop', environment = 'default' } = more;
  return {
    ...{ _id: `${environment}/${name}`, id: uuidV7(), name, environment },
    ...{
      shard: REGISTERED_SHARD,
      endpoints: ['http://shop.example/'],
      check: DEFAULT_CHECK,
      checks: [],
    },
    ...{ tags: [], metadata: [], dependencies: [], ttl_seconds: null, last_heartbeat: null },
    ...{ revision: '1', created_by: 'ada', created_at: new Date(0), updated_at: new Date(0) },
    ...more,
  };
}

export function watchedService(more: Partial<WatchedService> = {}): WatchedService {
  return {
    ...newService(more),
    health: null,
    outbox: [],
    beat: null,
    maintenance: NO_MAINTENANCE,
    ...more,
  };
}
