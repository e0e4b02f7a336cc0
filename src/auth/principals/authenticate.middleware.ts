import type { NextFunction, Request, Response } from 'express';
import type { Authenticator } from './authenticator.js';
import type { AuthenticatedRequest } from './principal.js';

/**
 * Sets `request.principal` before the body is read, so that nobody unknown makes the server read
 * one.
 */
export function authenticateWith(
  authenticator: Authenticator,
): (request: Request, response: Response, next: NextFunction) => void {
  return (request, _response, next) => {
    const principal = authenticator.identify(request.headers.authorization);
    if (principal) (request as AuthenticatedRequest).principal = principal;
    next();
  };
}
