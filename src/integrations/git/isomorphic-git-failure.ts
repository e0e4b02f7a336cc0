import { Errors } from 'isomorphic-git';
import { diskFullError } from './clone-session.js';
import { GitError } from './git-client.js';
import {
  authenticationFailed,
  dumbServer,
  notAGitServer,
  refNotFound,
  repositoryNotFound,
  unreachable,
  untrusted,
} from './git-failures.js';
import { TransportError } from './isomorphic-git-http.js';

const NOT_A_GIT_SERVER = [
  Errors.SmartHttpError,
  Errors.ParseError,
  Errors.EmptyServerResponseError,
  Errors.InvalidOidError,
] as const;

/** Makes a `GitError` of what isomorphic-git, its HTTP client or the file system threw. */
export function isomorphicGitFailure(error: unknown): GitError {
  if (error instanceof GitError) return error;
  if (error instanceof TransportError) return transportFailure(error);
  if (error instanceof Errors.HttpError) return httpFailure(error.data.statusCode);
  if (error instanceof Errors.SmartHttpError && /^[0-9a-f]{40}\t/.test(error.data.preview)) {
    return dumbServer();
  }
  if (NOT_A_GIT_SERVER.some((kind) => error instanceof kind)) return notAGitServer();
  if (error instanceof Errors.NotFoundError) return refNotFound('such branch, tag or commit');
  if (error instanceof Errors.AmbiguousError) {
    return new GitError(
      'ref_not_found',
      'More than one object begins with these digits of the commit. Give more digits.',
      false,
    );
  }
  if (error instanceof Errors.InternalError) {
    // Its message is for developers of isomorphic-git; its data says what was found.
    return new GitError('failed', `What the remote sent is broken: ${error.data.message}`, false);
  }
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENAMETOOLONG') {
    return new GitError('failed', 'The tree holds a name that is too long for this disk.', false);
  }
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
  if (/^(?:UNABLE_TO_(?:GET_ISSUER|VERIFY)|SELF_SIGNED|DEPTH_ZERO_SELF)/.test(error.code)) {
    return untrusted(error.message);
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
