import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { HTTP_SCHEMES, type ValidClone, validateCloneRequest } from './clone-request.js';
import { GitError } from './git-client.js';
import { FIXED_PATH } from './git-program.js';

const MAX_NAMED = 10;

/** Whether `git lfs` is installed where the git program finds it. */
export async function detectGitLfs(): Promise<boolean> {
  const env = { PATH: FIXED_PATH, LC_ALL: 'C' };
  return promisify(execFile)('git-lfs', ['version'], { env, timeout: 10_000 }).then(
    () => true,
    () => false,
  );
}

/**
 * The line of the log that names files which are pointers of Git LFS and not what they stand for.
 */
export function pointersLeft(paths: readonly string[], why: string): string {
  const named = paths.slice(0, MAX_NAMED).join(', ');
  const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : '';
  return `Files of Git LFS are not fetched, ${why}: ${named}${more}`;
}

/**
 * Where the server of Git LFS is.
 * @param configured by `.lfsconfig`, which the author of the repository wrote: a URL that is held
 *   to the rules of a clone's
 * @throws GitError
 */
export function lfsEndpoint(clone: ValidClone, configured: string | undefined): string {
  if (configured === undefined) {
    return `${clone.url.endsWith('.git') ? clone.url : `${clone.url}.git`}/info/lfs`;
  }
  try {
    const { url, credentials } = validateCloneRequest(
      { url: configured, directory: clone.directory },
      HTTP_SCHEMES,
    );
    if (credentials) throw refused('it holds credentials');
    if (clone.url.startsWith('https://') && !url.startsWith('https://')) {
      throw refused('it is not https');
    }
    return url;
  } catch (error) {
    if (error instanceof GitError && error.code === 'invalid_request') throw refused(error.message);
    throw error;
  }
}

function refused(reason: string): GitError {
  const message = `Git LFS: the URL that .lfsconfig names is refused: ${reason}`;
  return new GitError('failed', message, false);
}
