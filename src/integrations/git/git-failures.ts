import { diskFullError } from './clone-session.js';
import { GitError } from './git-client.js';
import { cleanLine } from './progress-lines.js';

/**
 * Makes a `GitError` of what git printed to stderr (in the C locale). First match wins: special
 * before general.
 */
export function gitProgramError(stderr: string, forms: readonly string[]): GitError {
  const rule = rules.find(([pattern]) => pattern.test(stderr));
  if (rule) return rule[1](lastLine(stderr, forms));
  return new GitError('failed', `git failed: ${lastLine(stderr, forms)}`, false);
}

/** Where the remote has the repository but not what was asked for. */
export function refNotFound(what: string): GitError {
  return new GitError(
    'ref_not_found',
    `The remote repository has no ${what}. Check the name, and that it was pushed.`,
    false,
  );
}

export function emptyRepository(): GitError {
  return new GitError(
    'ref_not_found',
    'The remote HEAD points to no commit: the repository is empty or has no such default branch. Push a commit, or name a branch.',
    false,
  );
}

export function refsChanged(): GitError {
  const message = 'The branches or tags of the remote changed while they were fetched.';
  return new GitError('failed', message, true);
}

/** Its objects have names of 64 digits, which neither client keeps. */
export function sha256Repository(): GitError {
  const message =
    'The remote repository uses SHA-256 for its objects; only SHA-1 repositories can be cloned.';
  return new GitError('failed', message, false);
}

/** Files of a repository behind a plain web server. */
export function dumbServer(): GitError {
  const message =
    'The remote speaks only the dumb HTTP protocol, which serves the files of a repository. ' +
    'It needs git http-backend, or a git server, to be cloned from.';
  return new GitError('failed', message, false);
}

export function severalCommits(digits: string): GitError {
  const message = `More than one commit begins with ${digits}. Give more digits.`;
  return new GitError('ref_not_found', message, false);
}

export function authenticationFailed(): GitError {
  return new GitError(
    'authentication_failed',
    'The remote refused the credentials, or needs some and got none. Check the user and token of the repository URL, or the secrets that its credentials name.',
    false,
  );
}

export function repositoryNotFound(): GitError {
  return new GitError(
    'repository_not_found',
    'The remote has no such repository, or the credentials may not see it. Check the URL.',
    false,
  );
}

export function notAGitServer(): GitError {
  return new GitError(
    'repository_not_found',
    'The remote answered, but not as a git server does. Check the URL of the repository.',
    false,
  );
}

/** Its certificate leads to no CA that is trusted; `reason` as below. */
export function untrusted(reason: string): GitError {
  const message =
    `The remote could not be reached: its certificate is not trusted (${reason}). ` +
    'If it is of a CA of your own, GIT_CA_FILE names the file of that CA.';
  return new GitError('unreachable', message, false);
}

/** ssh does not know the remote by the key that it showed. */
export function unknownHostKey(): GitError {
  const message =
    'The remote could not be reached: its host key is not the one that is known, or none is known. ' +
    'Put the line that ssh-keyscan prints for it, once checked, into known_hosts.';
  return new GitError('unreachable', message, false);
}

/** `reason` is shown to the user: cleaned text of git, curl or Node. */
export function unreachable(reason: string, retryable: boolean): GitError {
  return new GitError('unreachable', `The remote could not be reached: ${reason}`, retryable);
}

type Rule = readonly [RegExp, (reason: string) => GitError];

const rules: readonly Rule[] = [
  [/No space left on device|Disk quota exceeded/i, () => diskFullError()],
  [
    /Out of memory|malloc failed|mmap failed|Cannot allocate memory|attempting to allocate|unable to create thread/i,
    outOfMemory,
  ],
  [
    /Authentication failed|could not read (?:Username|Password)|terminal prompts disabled|returned error: 40[13]|Permission denied \(/i,
    () => authenticationFailed(),
  ],
  [
    /repository .* not found|Repository not found|returned error: 404|does not appear to be a git repository/i,
    () => repositoryNotFound(),
  ],
  [/dumb http/i, () => dumbServer()],
  [/object format|unknown hash|hash algorithm/i, () => sha256Repository()],
  [/not valid: is this a git repository|invalid server response/i, () => notAGitServer()],
  [
    /couldn't find remote ref|not our ref|Remote branch .* not found|unadvertised object/i,
    () => refNotFound('such branch, tag or commit'),
  ],
  [
    /Operation too slow/i,
    (reason) => new GitError('timeout', `The transfer stood still: ${reason}`, true),
  ],
  [
    /Maximum \(\d+\) redirects|protocol .* not (?:supported|allowed)|Unsupported protocol|unable to update url base/i,
    (reason) => unreachable(reason, false),
  ],
  [/Host key verification failed/i, () => unknownHostKey()],
  [
    /unable to get (?:local )?issuer|self[- ]signed|unable to verify|certificate verification failed/i,
    untrusted,
  ],
  [/SSL|TLS|certificate/i, (reason) => unreachable(reason, false)],
  [
    /Could not resolve|Failed to connect|Connection (?:refused|reset|timed out)|returned error: (?:5\d\d|429)|early EOF|hung up|RPC failed|unable to access|Could not read from remote|unexpected disconnect|expected flush|bad line length/i,
    (reason) => unreachable(reason, true),
  ],
];

function outOfMemory(): GitError {
  return new GitError(
    'too_large',
    'The repository needs more memory than a clone may have. A smaller depth needs less; so do smaller files.',
    false,
  );
}

function lastLine(stderr: string, forms: readonly string[]): string {
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const telling = lines.findLast((line) => /^(?:fatal|error):/.test(line)) ?? lines.at(-1);
  return cleanLine(telling ?? 'no reason was given', forms);
}
