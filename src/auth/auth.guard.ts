import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { MillraceRequest } from '../common/http/request-context.js';
import { MillraceError } from '../common/errors/millrace.error.js';
import { publicKey } from './public.decorator.js';

/** Deny by default: a route without `@Public()` needs somebody known. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const targets = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean | undefined>(publicKey, targets)) return true;
    const request = context.switchToHttp().getRequest<MillraceRequest>();
    if (request.actor) return true;
    throw new MillraceError(
      'AuthenticationError',
      request.headers.authorization === undefined
        ? 'The request carries no token.'
        : 'The token of the request is not valid.',
    );
  }
}
