import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GitError } from './git-client.js';

/** Undoes what `claimDirectory` and the clone did. */
export interface ClaimedDirectory {
  /**
   * Leaves the directory as it was found: absent or empty. Folders made above it go when nothing
   * else is in them.
   */
  restore(): Promise<void>;
}

/**
 * Makes the directory, or accepts an empty one.
 * @throws GitError `invalid_request` when it is a file or not empty.
 */
export async function claimDirectory(directory: string): Promise<ClaimedDirectory> {
  const found = await stat(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found && !found.isDirectory()) {
    throw new GitError('invalid_request', 'The path to clone into is not a directory.', false);
  }
  if (found && (await readdir(directory)).length > 0) {
    throw new GitError('invalid_request', 'The directory to clone into is not empty.', false);
  }
  if (found) return { restore: () => emptyDirectory(directory) };
  const firstMade = await mkdir(directory, { recursive: true });
  return { restore: () => removeMade(directory, firstMade ?? directory) };
}

const removal = { recursive: true, force: true, maxRetries: 3 } as const;

async function emptyDirectory(directory: string): Promise<void> {
  const names = await readdir(directory);
  await Promise.all(names.map((name) => rm(join(directory, name), removal)));
}

async function removeMade(directory: string, firstMade: string): Promise<void> {
  await rm(directory, removal);
  for (let above = dirname(directory); above.length >= firstMade.length; above = dirname(above)) {
    const removed = await rmdir(above).then(
      () => true,
      () => false, // Another clone put something there meanwhile: it stays.
    );
    if (!removed) return;
  }
}
