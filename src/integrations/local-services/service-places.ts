import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeHome } from '../../config/paths.js';
import { EmbeddedError } from '../../embedded/system/embedded.error.js';
import { LONGEST_SOCKET, makePassable } from '../../embedded/system/service-folders.js';
import { isServiceId } from './service-spec.js';

/** Where the services of one home are kept. All are absolute. */
export interface ServicePlaces {
  readonly base: string;
  /** A folder for each instance, by its id. */
  readonly instances: string;
  /** What the supervisor listens on, of mode 0600. */
  readonly socket: string;
  /** The supervisor holds it as long as it runs. */
  readonly lock: string;
  /** Who is about to start a supervisor holds it. */
  readonly startLock: string;
  /** Which process the supervisor is. */
  readonly identity: string;
  /** What the supervisor tells. */
  readonly log: string;
}

export function servicePlaces(home: string): ServicePlaces {
  const base = join(home, 'services');
  return {
    base,
    instances: join(base, 'instances'),
    socket: join(base, 'control.sock'),
    lock: join(base, 'lock'),
    startLock: join(base, 'start.lock'),
    identity: join(base, 'supervisor.json'),
    log: join(base, 'supervisor.log'),
  };
}

/** Makes the folders. Users of services may go through them, and read nothing. */
export async function makePlaces(home: string, places: ServicePlaces): Promise<void> {
  if (Buffer.byteLength(places.socket) > LONGEST_SOCKET) {
    throw new EmbeddedError(
      'home_unreachable',
      `the path ${places.socket} is too long for a socket`,
      `Set MILLRACE_HOME to a folder with a path shorter than ${LONGEST_SOCKET - '/services/control.sock'.length} bytes.`,
    );
  }
  try {
    await makeHome(home);
    const isRoot = process.getuid?.() === 0;
    for (const folder of [places.base, join(places.base, 'instances')]) {
      mkdirSync(folder, { recursive: true });
      chmodSync(folder, isRoot ? 0o711 : 0o700);
    }
    if (isRoot) await makePassable(home);
  } catch (error) {
    throw new EmbeddedError(
      'home_unreachable',
      `the folder ${places.instances} cannot be made`,
      'Check who owns its parent folder, or set MILLRACE_HOME to a folder that you can write.',
      error,
    );
  }
}

/** Ids of the folders of instances; none where there is no folder of them. */
export function listInstanceIds(instances: string): string[] {
  try {
    return readdirSync(instances).filter(isServiceId).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
