import { credentialForms } from '../../common/url-credentials.js';
import { claimDirectory } from './clone-directory.js';
import { type GitScheme, type ValidClone, validateCloneRequest } from './clone-request.js';
import { type ClonedCommit, type CloneRequest, GitError } from './git-client.js';
import { cleanLine, ProgressLines } from './progress-lines.js';

export interface CloneOptions {
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** What an adapter gets to work with. */
export interface CloneSession {
  readonly clone: ValidClone;
  /** Aborted by the caller and by the deadline. The adapter ends its processes and rejects with anything. */
  readonly signal: AbortSignal;
  readonly progress: ProgressLines;
  /** Forms of the credentials, for redaction. */
  readonly forms: readonly string[];
}

export const DEFAULT_CLONE_TIMEOUT_MS = 10 * 60_000;

/**
 * What both adapters share: checks the request, claims the directory, sets the deadline, and after a failure
 * leaves the directory as it was found and makes one `GitError` of whatever happened. `work` must have
 * no process left running when it settles.
 */
export async function runCloneSession(
  request: CloneRequest,
  options: CloneOptions,
  limits: { readonly schemes: readonly GitScheme[]; readonly timeoutMs: number },
  work: (session: CloneSession) => Promise<ClonedCommit>,
): Promise<ClonedCommit> {
  if (options.signal.aborted) throw abortedError();
  const clone = validateCloneRequest(request, limits.schemes);
  const forms = clone.credentials ? credentialForms(clone.credentials) : [];
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), limits.timeoutMs);
  const signal = AbortSignal.any([options.signal, deadline.signal]);
  const progress = new ProgressLines(options.progress, forms);
  try {
    const claimed = await claimDirectory(clone.directory);
    try {
      signal.throwIfAborted();
      progress.write(announcement(clone));
      return await work({ clone, signal, progress, forms });
    } catch (error) {
      await claimed.restore();
      throw error;
    }
  } catch (error) {
    if (options.signal.aborted) throw abortedError();
    if (deadline.signal.aborted) throw timeoutError(limits.timeoutMs);
    throw asGitError(error, forms);
  } finally {
    clearTimeout(timer);
  }
}

function announcement(clone: ValidClone): string {
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

/** File-system errors hold paths of ours: only their code is told. */
function asGitError(error: unknown, forms: readonly string[]): GitError {
  if (error instanceof GitError) {
    const lines = error.message.split('\n').map((line) => cleanLine(line, forms));
    return new GitError(error.code, lines.join('\n'), error.retryable);
  }
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? 'unknown error';
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFullError();
  return new GitError('failed', `The clone failed on this machine (${String(code)}).`, false);
}

export function diskFullError(): GitError {
  return new GitError(
    'too_large',
    'The disk has no space left for the clone. Free some, or use a smaller depth.',
    true,
  );
}
