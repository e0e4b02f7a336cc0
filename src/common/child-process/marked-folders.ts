import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ownProcessMark, processState } from './process-mark.js';

/**
 * A marked thing whose process cannot be judged (another pid namespace) is left behind when it is
 * older.
 */
const UNKNOWN_MS = 60 * 60_000;

/** A private folder whose name says which process made it. */
export async function makeMarkedFolder(parent: string): Promise<string> {
  const folder = join(parent, `${ownProcessMark()}.${randomUUID()}`);
  // One step where the parent is there, as it nearly always is.
  await mkdir(folder, { mode: 0o700 }).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    await mkdir(parent, { recursive: true, mode: 0o700 });
    await mkdir(folder, { mode: 0o700 });
  });
  return folder;
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Removes what dead processes left of their marked folders. */
export async function removeLeftFolders(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(absentAsNone)) {
    const path = join(parent, name);
    if (await isLeft(path, name)) await removeFolder(path);
  }
}

/** Whether the process with this mark, which made the file or folder, died. */
export async function isLeft(path: string, mark: string): Promise<boolean> {
  try {
    const state = processState(mark);
    if (state !== 'unknown') return state === 'dead';
    return (await stat(path)).mtimeMs < Date.now() - UNKNOWN_MS;
  } catch {
    return false; // It is gone.
  }
}

function absentAsNone(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
