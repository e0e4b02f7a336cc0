import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { MillraceError } from '../common/errors/millrace.error.js';
import type { MillraceRequest } from '../common/http/request-context.js';
import { isLoopbackHost } from '../config/loopback.js';

/** What a proxy adds to the requests that it passes on. */
const FORWARDING = /^(forwarded|via|x-real-ip|x-forwarded-.*)$/;

/** Lets in who holds the token, and programs of this machine; whoever comes through a proxy needs the token. */
@Injectable()
export class ScrapeGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<MillraceRequest>();
    if (request.actor !== undefined || isDirectFromHere(request)) return true;
    throw new MillraceError(
      'AuthenticationError',
      request.headers.authorization === undefined
        ? 'The request carries no token.'
        : 'The token of the request is not valid.',
    );
  }
}

function isDirectFromHere({ socket, headers }: MillraceRequest): boolean {
  const peer = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  if (!isLoopbackHost(peer)) return false;
  return !Object.keys(headers).some((name) => FORWARDING.test(name));
}
