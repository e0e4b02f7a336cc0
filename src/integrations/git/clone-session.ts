import { statfs } from 'node:fs/promises';
import { credentialForms } from '../../common/url-credentials.js';
import { claimDirectory } from './clone-directory.js';
import { type GitScheme, type ValidClone, validateCloneRequest } from './clone-request.js';
import { type Cloned, type CloneRequest, GitError } from './git-client.js';
import { cleanLine, ProgressLines } from './progress-lines.js';

export interface CloneOptions {
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** What an adapter gets to work with. */
export interface CloneSession {
  readonly clone: ValidClone;
  /**
   * Aborted by the caller and by the deadline. The adapter ends its processes and rejects with
   * anything.
   */
  readonly signal: AbortSignal;
  readonly progress: ProgressLines;
  /** Forms of the credentials, for redaction. */
  readonly forms: readonly string[];
}

export const DEFAULT_CLONE_TIMEOUT_MS = 10 * 60_000;

export interface CloneLimits {
  readonly schemes: readonly GitScheme[];
  readonly timeoutMs: number;
  /**
   * A clone that leaves less free disk than this is ended, bytes. Default 256 MiB; looked at every
   * 100 ms.
   */
  readonly minFreeDisk?: number;
}

const DEFAULT_MIN_FREE_DISK = 256 * 1024 * 1024;
const DISK_INTERVAL_MS = 100;

/**
 * What both adapters share: checks the request, claims the directory, sets the deadline, watches
 * the disk, and after a failure leaves the directory as it was found and makes one `GitError` of
 * whatever happened. `work` must have no process left running when it settles.
 */
export async function runCloneSession<T = Cloned>(
  request: CloneRequest,
  options: CloneOptions,
  limits: CloneLimits,
  work: (session: CloneSession) => Promise<T>,
): Promise<T> {
  if (options.signal.aborted) throw abortedError();
  const clone = validateCloneRequest(request, limits.schemes);
  const forms = clone.credentials ? credentialForms(clone.credentials) : [];
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), limits.timeoutMs);
  const diskLow = new AbortController();
  const signal = AbortSignal.any([options.signal, deadline.signal, diskLow.signal]);
  const progress = new ProgressLines(options.progress, forms);
  try {
    const claimed = await claimDirectory(clone.directory);
    try {
      signal.throwIfAborted();
      progress.write(announcement(clone));
      const minFreeDisk = limits.minFreeDisk ?? DEFAULT_MIN_FREE_DISK;
      const watch = watchDisk(clone.directory, minFreeDisk, () => diskLow.abort());
      try {
        return await work({ clone, signal, progress, forms });
      } finally {
        clearInterval(watch);
      }
    } catch (error) {
      await claimed.restore();
      throw error;
    }
  } catch (error) {
    if (options.signal.aborted) throw abortedError();
    if (deadline.signal.aborted) throw timeoutError(limits.timeoutMs);
    if (diskLow.signal.aborted) throw diskLowError();
    throw asGitError(error, forms);
  } finally {
    clearTimeout(timer);
  }
}

/** A small pack may become a tree of any size: what counts is what is left. */
function watchDisk(directory: string, minFreeDisk: number, onLow: () => void): NodeJS.Timeout {
  return setInterval(() => {
    statfs(directory).then(
      ({ bavail, bsize }) => {
        if (bavail * bsize < minFreeDisk) onLow();
      },
      // The directory is just being removed, or the file system does not tell.
      () => undefined,
    );
  }, DISK_INTERVAL_MS);
}

/** What is cloned, for the log. */
export function announcement(clone: ValidClone): string {
  const what = [
    clone.branch === undefined ? '' : `branch ${clone.branch}`,
    clone.tag === undefined ? '' : `tag ${clone.tag}`,
    clone.commit === undefined ? '' : `commit ${clone.commit}`,
    clone.depth === 0 ? 'all of the history' : `depth ${clone.depth}`,
  ].filter((part) => part !== '');
  return `Cloning ${clone.url} (${what.join(', ')})`;
}

export function abortedError(): GitError {
  return new GitError('aborted', 'The clone was stopped.', false);
}

function timeoutError(timeoutMs: number): GitError {
  const seconds = Math.round(timeoutMs / 1000);
  return new GitError(
    'timeout',
    `The clone was not finished after ${seconds} s and was stopped. A smaller depth makes it shorter.`,
    true,
  );
}

/** File-system errors hold paths of ours: only their code is shown. */
function asGitError(error: unknown, forms: readonly string[]): GitError {
  if (error instanceof GitError) {
    const lines = error.message.split('\n').map((line) => cleanLine(line, forms));
    return new GitError(error.code, lines.join('\n'), error.retryable);
  }
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? 'unknown error';
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFullError();
  return new GitError('failed', `The clone failed on this machine (${String(code)}).`, false);
}

function diskLowError(): GitError {
  return new GitError(
    'too_large',
    'The clone was stopped because the disk is nearly full. Free some space, or use a smaller depth.',
    true,
  );
}

export function diskFullError(): GitError {
  return new GitError(
    'too_large',
    'The disk has no space left for the clone. Free some, or use a smaller depth.',
    true,
  );
}
