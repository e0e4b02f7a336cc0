import { MillraceError } from '../../common/errors/millrace.error.js';

/** 401: nothing says who sends the request, or what says it is not good. */
export function tokenMissing(authorization?: string): MillraceError {
  return new MillraceError(
    'AuthenticationError',
    authorization === undefined
      ? 'The request carries no token.'
      : 'The token of the request is not valid.',
  );
}
