import { access, chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../config/environment.js';
import { EmbeddedError } from './embedded.error.js';
import { acquireFileLock } from './file-lock.js';

export interface ComponentRequest {
  /** Folder of the cache; made when missing. */
  readonly cache: string;
  /**
   * Name with version: another recipe or version has another name, so an old folder is never taken
   * for a new one.
   */
  readonly name: string;
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
  readonly progress: (line: string) => void;
  /** Makes the component in an empty folder; a throw leaves nothing behind. */
  readonly make: (folder: string) => Promise<void>;
}

/** Written into a component last: a folder without it is not whole. */
const WHOLE = '.whole';

/**
 * The folder of a component of the cache, made now when it is not there.
 *
 * It is made under a lock in a temporary folder beside it and renamed when it is whole, so a broken
 * or half made one is never seen; a second caller, of any process, waits for the first and uses its
 * result.
 */
export async function cachedComponent(request: ComponentRequest): Promise<string> {
  const target = join(request.cache, request.name);
  if (await isWhole(target)) return target;
  await makeCache(request.cache);
  const lock = await acquireFileLock(join(request.cache, `.${request.name}.lock`), {
    env: request.env,
    signal: request.signal,
    onWait: () => request.progress(`Waiting: another process is preparing ${request.name}`),
  });
  try {
    if (await isWhole(target)) return target;
    await removeLeftovers(request.cache, request.name);
    const scratch = await mkdtemp(join(request.cache, `.${request.name}.making-`));
    const folder = join(scratch, 'folder');
    try {
      // As root the services run as another user, who must be able to enter whatever the umask is.
      await mkdir(folder);
      for (const path of [request.cache, scratch, folder]) await chmod(path, 0o755);
      await request.make(folder);
      await writeFile(join(folder, WHOLE), `${new Date().toISOString()}\n`);
      await rename(folder, target);
    } catch (error) {
      throw asDiskFull(error, request.cache);
    } finally {
      await remove(scratch);
    }
    return target;
  } finally {
    await lock.release();
  }
}

/** True when the component was made to its end. */
export async function isWhole(folder: string): Promise<boolean> {
  return access(join(folder, WHOLE)).then(
    () => true,
    () => false,
  );
}

/** Makes the folder of the cache. @throws EmbeddedError `home_unreachable` */
export async function makeCache(cache: string): Promise<void> {
  try {
    await mkdir(cache, { recursive: true });
  } catch (error) {
    throw new EmbeddedError(
      'home_unreachable',
      `the cache folder ${cache} cannot be made`,
      'Check who owns its parent folder, or set XDG_CACHE_HOME (as root: MILLRACE_HOME) to a folder that you can write.',
      error,
    );
  }
}

/** Under the lock: what an interrupted attempt left, and a target that is not whole. */
async function removeLeftovers(cache: string, name: string): Promise<void> {
  for (const entry of await readdir(cache)) {
    if (entry !== name && !entry.startsWith(`.${name}.making-`)) continue;
    await remove(join(cache, entry));
  }
}

/** Patient, because a command of an attempt that was killed may still be writing for a moment. */
async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

function asDiskFull(error: unknown, cache: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOSPC') return error;
  return new EmbeddedError(
    'disk_full',
    `the disk of ${cache} is full`,
    'Free about 1.5 GB (the build needs it for a minute; 200 MB stay) and start again.',
    error,
  );
}
