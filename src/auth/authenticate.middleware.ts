import type { NextFunction, Request, Response } from 'express';
import type { MillraceRequest } from '../common/http/request-context.js';
import type { Authenticator } from './authenticator.js';

/** Sets `request.actor` before the body is read, so that nobody unknown makes the server read one. */
export function authenticateWith(
  authenticator: Authenticator,
): (request: Request, response: Response, next: NextFunction) => void {
  return (request, _response, next) => {
    const actor = authenticator.identify(request.headers.authorization);
    if (actor) (request as MillraceRequest).actor = actor;
    next();
  };
}
