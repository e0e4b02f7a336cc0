import type { NextFunction, Request, Response } from 'express';
import type { Authenticator } from './authenticator.js';
import type { AuthenticatedRequest } from './principal.js';

/**
 * Sets `request.principal` before the body is read, so that nobody unknown makes the server read
 * one. Where it cannot be found out who it is, public routes are served all the same.
 */
export function authenticateWith(
  authenticator: Pick<Authenticator, 'identify'>,
): (request: Request, response: Response, next: NextFunction) => void {
  return (request, _response, next) => {
    const { authorization, cookie } = request.headers;
    const asked = request as AuthenticatedRequest;
    authenticator.identify({ authorization, cookie }).then(
      (principal) => {
        if (principal) asked.principal = principal;
        next();
      },
      (error: unknown) => {
        asked.unidentified = error;
        next();
      },
    );
  };
}
