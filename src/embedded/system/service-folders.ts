import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedError } from './embedded.error.js';
import { requireReachable, type ServiceUser } from './service-user.js';

/** Where the parts of one home live. All are absolute. */
export interface ServiceFolders {
  /**
   * Owned by the supervisor, open to the services' user only; lock, configuration files and logs.
   */
  readonly base: string;
  readonly logs: string;
  /**
   * 0700 and owned by the services' user: whoever can enter it may use the services, which ask for
   * no password.
   */
  readonly sockets: string;
}

/** Longest path of a unix socket, bytes; see unix(7). */
export const LONGEST_SOCKET = 107;
/** The longest name below the folder is `.s.PGSQL.5432.lock`. */
const LONGEST_SOCKET_FOLDER = LONGEST_SOCKET - '/.s.PGSQL.5432.lock'.length;

/**
 * Makes the folders that the supervisor owns.
 *
 * @throws EmbeddedError `home_unreachable` when they cannot be made, or not be reached by the
 *   services' user.
 */
export async function makeServiceFolders(
  home: string,
  user: ServiceUser | undefined,
): Promise<ServiceFolders> {
  const base = join(home, 'embedded');
  const logs = join(base, 'logs');
  try {
    await mkdir(base, { recursive: true });
    // Steps are another user: configurations, the lock (whoever can read it can hold it) and names
    // are not for them.
    if (user !== undefined) {
      await chown(base, process.getuid?.() ?? 0, user.gid);
      await chmod(base, 0o710);
    }
    await mkdir(logs, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new EmbeddedError(
      'home_unreachable',
      `the folder ${base} cannot be made`,
      'Check who owns its parent folder, or set MILLRACE_HOME to a folder that you can write.',
      error,
    );
  }
  const real = await realpath(base);
  if (user !== undefined) {
    await makePassable(home);
    await requireReachable(real, user);
  }
  return { base: real, logs: join(real, 'logs'), sockets: await makeSocketFolder(user) };
}

/**
 * Removes the socket folder of a predecessor that could not do it (it and its guard were killed),
 * and writes down the new one. Only under the lock of the home.
 */
export async function replaceSocketFolder(folders: ServiceFolders): Promise<void> {
  const note = join(folders.base, 'socket-folder');
  const former = await readFile(note, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (/^\/.*\/millrace-[A-Za-z0-9]{6}$/.test(former) && former !== folders.sockets) {
    await rm(former, { recursive: true, force: true });
  }
  await writeFile(note, folders.sockets, { mode: 0o600 });
}

/**
 * Lets other users go through the home and do nothing else there, when it is ours (a fresh one is
 * often 0700).
 */
export async function makePassable(home: string): Promise<void> {
  const info = await stat(home);
  if (info.uid === process.getuid?.()) await chmod(home, (info.mode & 0o7700) | 0o011);
}

/** Makes a folder that only the services' user (and root) can enter; it may exist. */
export async function makeOwnedFolder(
  path: string,
  user: ServiceUser | undefined,
): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
  if (user !== undefined) await chown(path, user.uid, user.gid);
  return path;
}

async function makeSocketFolder(user: ServiceUser | undefined): Promise<string> {
  // Not XDG_RUNTIME_DIR: it is removed when the user logs out, under a server that was left
  // running.
  const places = [...(user === undefined ? [] : ['/run']), tmpdir(), '/tmp'];
  let failure: unknown;
  for (const place of places) {
    const prefix = join(place, 'millrace-');
    if (Buffer.byteLength(prefix) + 6 > LONGEST_SOCKET_FOLDER) continue;
    try {
      const folder = await mkdtemp(prefix);
      await chmod(folder, 0o700);
      if (user !== undefined) await chown(folder, user.uid, user.gid);
      return folder;
    } catch (error) {
      failure = error;
    }
  }
  throw new EmbeddedError(
    'home_unreachable',
    `no folder for sockets can be made in ${places.join(', ')}`,
    'Set TMPDIR to a folder that you can write, with a path shorter than 70 bytes.',
    failure,
  );
}
