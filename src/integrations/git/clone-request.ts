import { isAbsolute } from 'node:path';
import { isRefName } from '../../common/values/ref-name.js';
import { splitUrlCredentials, type UrlCredentials } from '../../common/url-credentials.js';
import { type CloneRequest, GitError, type SshIdentity } from './git-client.js';

/**
 * A clone request after every check: safe to hand to a program or to put into a path under `.git`.
 */
export interface ValidClone {
  /** Without credentials. */
  readonly url: string;
  readonly credentials?: UrlCredentials;
  readonly ssh?: SshIdentity;
  readonly directory: string;
  readonly branch?: string;
  readonly tag?: string;
  /** 7 to 40 lower-case hex digits. */
  readonly commit?: string;
  /** 0 = all. */
  readonly depth: number;
  readonly tags?: boolean;
  readonly submodules?: boolean | 'recursive';
  readonly lfs?: boolean;
  readonly only?: readonly string[];
  readonly ownCredentialsOnly?: boolean;
}

export type GitScheme = 'https' | 'http' | 'ssh';

export const HTTP_SCHEMES: readonly GitScheme[] = ['https', 'http'];

const MAX_URL_LENGTH = 2048;
const MAX_DEPTH = 2 ** 31 - 2; // one less than git's "infinite"

/**
 * Checks a request and takes the credentials out of its URL.
 * @throws GitError `invalid_request`; the message repeats neither the URL nor a path of ours.
 */
export function validateCloneRequest(
  request: CloneRequest,
  schemes: readonly GitScheme[],
): ValidClone {
  const { branch, tag, directory } = request;
  if (!isAbsolute(directory) || directory.includes('\0')) {
    throw invalid('The directory to clone into must be an absolute path.');
  }
  if (branch !== undefined && tag !== undefined) {
    throw invalid('Give a branch or a tag, not both.');
  }
  if (branch !== undefined) checkRefName('branch', branch);
  if (tag !== undefined) checkRefName('tag', tag);
  return {
    ...checkUrl(request.url, schemes),
    ssh: request.ssh,
    directory,
    branch,
    tag,
    commit: checkCommit(request.commit),
    depth: checkDepth(request.depth),
    tags: request.tags,
    submodules: request.submodules,
    lfs: request.lfs,
    only: request.only && checkOnly(request.only),
    ownCredentialsOnly: request.ownCredentialsOnly,
  };
}

function checkUrl(
  text: string,
  schemes: readonly GitScheme[],
): Pick<ValidClone, 'url' | 'credentials'> {
  const allowed = schemes.map((scheme) => `${scheme}://`).join(', ');
  if (text.length > MAX_URL_LENGTH) {
    throw invalid(`The repository URL is longer than ${MAX_URL_LENGTH} characters.`);
  }

  if (/[\u0000-\u0020\u007f\\]/.test(text)) {
    throw invalid('The repository URL holds a space, a backslash or a control character.');
  }
  if (!URL.canParse(text)) {
    throw invalid(
      /^[^/:]+@[^/:]+:/.test(text)
        ? 'The repository URL is in the short form of scp; write it as ssh://user@host/path.'
        : `The repository URL is not valid; write it as one of ${allowed} with host and path.`,
    );
  }
  const parsed = new URL(text);
  const scheme = schemes.find((name) => `${name}:` === parsed.protocol);
  if (scheme === undefined) {
    throw invalid(`The scheme of the repository URL is not allowed; allowed are ${allowed}.`);
  }
  if (parsed.search !== '' || parsed.hash !== '' || /[?#]/.test(text)) {
    throw invalid('The repository URL must have neither a query (?) nor a fragment (#).');
  }
  // A host or user that begins with `-` would be an option of ssh.
  if (!/^[a-z0-9[][a-z0-9._:\]-]*$/i.test(parsed.hostname) || parsed.username.startsWith('-')) {
    throw invalid('The host or the user of the repository URL is not valid.');
  }
  if (scheme === 'ssh') {
    if (parsed.password !== '') {
      throw invalid('An ssh:// URL cannot carry a password; use a key, or https:// with a token.');
    }
    return { url: parsed.href };
  }
  const { url, credentials } = splitUrlCredentials(text);
  // A line break would end a field of git's credential protocol.

  if (credentials && /[\u0000-\u001f\u007f]/.test(credentials.username + credentials.password)) {
    throw invalid('The credentials of the repository URL hold a control character.');
  }
  return { url: url.replace(/\/+$/, ''), credentials };
}

function checkRefName(kind: 'branch' | 'tag', name: string): void {
  if (!isRefName(name)) {
    throw invalid(
      `The ${kind} is not a valid name: it must not be empty, begin with "-", "/" or ".", ` +
        'end with "/", "." or ".lock", nor hold spaces, control characters, "..", "@{" or any of ~^:?*[\\',
    );
  }
}

function checkCommit(commit: string | undefined): string | undefined {
  if (commit === undefined) return undefined;
  if (!/^[0-9a-f]{7,40}$/i.test(commit)) {
    throw invalid('The commit must be 7 to 40 hexadecimal digits.');
  }
  return commit.toLowerCase();
}

/** They become patterns of git. */
function checkOnly(names: readonly string[]): readonly string[] {
  if (names.length > 0 && names.every((name) => /^\.?[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name))) {
    return names;
  }
  throw invalid('What is to be written alone must be plain names at the top of the tree.');
}

function checkDepth(depth: number | undefined): number {
  if (depth === undefined) return 1;
  if (!Number.isInteger(depth) || depth < 0 || depth > MAX_DEPTH) {
    throw invalid('The depth must be a whole number, 0 (all of the history) or more.');
  }
  return depth;
}

function invalid(message: string): GitError {
  return new GitError('invalid_request', message, false);
}
