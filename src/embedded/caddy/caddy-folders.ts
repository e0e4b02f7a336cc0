import { chmod, chown, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { makeHome } from '../../config/paths.js';
import { EmbeddedError } from '../system/embedded.error.js';
import { LONGEST_SOCKET, makeOwnedFolder, makePassable } from '../system/service-folders.js';
import { requireReachable, type ServiceUser } from '../system/service-user.js';

/** Where the Caddy of one home lives. All are absolute. */
export interface CaddyFolders {
  /** What Caddy runs in: Millrace's own, which Caddy's user may go through. */
  readonly base: string;
  /** Its certificates, its log and its socket: of Caddy's user, and closed to all others. */
  readonly data: string;
  /** A file for each route, which Caddy's user may read. */
  readonly upstreams: string;
  /** Its admin endpoint. */
  readonly socket: string;
}

export function caddyFolders(home: string): CaddyFolders {
  const base = join(home, 'caddy');
  const data = join(base, 'data');
  return { base, data, upstreams: join(base, 'upstreams'), socket: join(data, 'admin.sock') };
}

/** @throws EmbeddedError `home_unreachable` */
export async function makeCaddyFolders(
  { base, data, upstreams, socket }: CaddyFolders,
  home: string,
  user: ServiceUser | undefined,
): Promise<void> {
  if (Buffer.byteLength(socket) > LONGEST_SOCKET) {
    throw new EmbeddedError(
      'home_unreachable',
      `the path ${socket} is too long for a socket`,
      `Set MILLRACE_HOME to a folder with a path shorter than ${LONGEST_SOCKET - '/caddy/data/admin.sock'.length} bytes.`,
    );
  }
  try {
    await makeHome(home);
    await mkdir(base, { recursive: true });
    await chmod(base, user === undefined ? 0o700 : 0o710);
    await mkdir(upstreams, { recursive: true });
  } catch (error) {
    throw new EmbeddedError(
      'home_unreachable',
      `the folder ${base} cannot be made`,
      'Check who owns its parent folder, or set MILLRACE_HOME to a folder that you can write.',
      error,
    );
  }
  await makeOwnedFolder(data, user);
  if (user === undefined) return;
  const own = process.getuid?.() ?? 0;
  await chown(base, own, user.gid);
  await chown(upstreams, own, user.gid);
  // Files in it belong to this group, too.
  await chmod(upstreams, 0o2750);
  await makePassable(home);
  await requireReachable(await realpath(base), user);
}
