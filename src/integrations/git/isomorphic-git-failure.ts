import { Errors } from 'isomorphic-git';
import { diskFullError } from './clone-session.js';
import { GitError } from './git-client.js';
import {
  authenticationFailed,
  refNotFound,
  repositoryNotFound,
  unreachable,
} from './git-failures.js';
import { TransportError } from './isomorphic-git-http.js';

/** Makes a `GitError` of what isomorphic-git, its HTTP client or the file system threw. */
export function isomorphicGitFailure(error: unknown): GitError {
  if (error instanceof GitError) return error;
  if (error instanceof TransportError) return transportFailure(error);
  if (error instanceof Errors.HttpError) return httpFailure(error.data.statusCode);
  if (error instanceof Errors.SmartHttpError) {
    return new GitError(
      'repository_not_found',
      'The remote answered, but not as a git server does. Check the URL of the repository.',
      false,
    );
  }
  if (error instanceof Errors.NotFoundError) return refNotFound('such branch, tag or commit');
  if (error instanceof Errors.AmbiguousError) {
    return new GitError(
      'ref_not_found',
      'More than one object begins with these digits of the commit. Give more digits.',
      false,
    );
  }
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFullError();
  // An error of the file system holds a path of ours.
  const reason = (error as NodeJS.ErrnoException).syscall === undefined ? message : code;
  return new GitError('failed', `isomorphic-git failed: ${reason}`, false);
}

function transportFailure(error: TransportError): GitError {
  if (error.code === 'ETIMEDOUT') {
    return new GitError('timeout', `The transfer stood still: ${error.message}`, true);
  }
  if (error.code === 'EADDRREFUSED') return new GitError('address_refused', error.message, false);
  if (error.code === 'E2BIG') {
    return new GitError('too_large', `The remote is refused: ${error.message}.`, false);
  }
  const certificate = /CERT|SSL|TLS|EPROTO|ALTNAME|VERIFY|SELF_SIGNED/.test(error.code);
  // HPE: what came is no HTTP, or its headers are over 16 KiB.
  const lasting = certificate || error.code === 'EREDIRECT' || error.code.startsWith('HPE_');
  return unreachable(error.message, !lasting);
}

function httpFailure(status: number): GitError {
  if (status === 401 || status === 403) return authenticationFailed();
  if (status === 404 || status === 410) return repositoryNotFound();
  return unreachable(`it answered with HTTP status ${status}`, status >= 500 || status === 429);
}
