import { chmod, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { WorkspaceOwner } from './workspace.js';

/** A folder above the workspaces is closed to the user that steps run as. */
export class UnreachableFolderError extends Error {
  readonly code = 'workspace_unreachable';

  constructor(folder: string) {
    super(
      `the user that steps run as cannot enter ${folder}: open it (chmod o+x), or set MILLRACE_HOME to another folder`,
    );
    this.name = 'UnreachableFolderError';
  }
}

/**
 * Makes a folder and lets other users go through it and through the one above it, if these are
 * ours, without letting them look into it (0711). Whatever the umask is, and whoever made the one
 * above with a narrower mode.
 *
 * @throws UnreachableFolderError when the user cannot come down to it all the same: steps would
 *   start in a folder that they cannot name, and fail in ways that nobody understands.
 */
export async function makePassable(
  folder: string,
  user: Pick<WorkspaceOwner, 'uid' | 'gid'>,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o711 });
  for (const path of [folder, dirname(folder)]) {
    const { uid, mode } = await stat(path);
    if (uid === process.getuid?.()) await chmod(path, (mode & 0o7777) | 0o011);
  }
  const closed = await firstClosed(await realpath(folder), user);
  if (closed !== undefined) throw new UnreachableFolderError(closed);
}

async function firstClosed(
  folder: string,
  user: Pick<WorkspaceOwner, 'uid' | 'gid'>,
): Promise<string | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const { uid, gid, mode } = await stat(at);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return at;
    if (at === dirname(at)) return undefined;
  }
}
