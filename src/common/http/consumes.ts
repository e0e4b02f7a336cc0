import {
  Injectable,
  SetMetadata,
  applyDecorators,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiConsumes } from '@nestjs/swagger';
import { MillraceError } from '../errors/millrace.error.js';
import { announcesBody, mediaType } from './content-type.js';
import type { MillraceRequest } from './request-context.js';

/** Under which a route keeps the media types that the guard lets through. */
export const CONSUMES_KEY = 'millrace:consumes';

/**
 * No body is taken that a few bytes could blow up to gigabytes.
 * @throws UnsupportedMediaTypeError
 */
export function refuseEncoding(headers: { readonly 'content-encoding'?: string }): void {
  if ((headers['content-encoding'] ?? 'identity').toLowerCase() === 'identity') return;
  throw new MillraceError('UnsupportedMediaTypeError', 'Compressed bodies are not taken.', {
    suggestions: ['Send the body without Content-Encoding.'],
  });
}

/** @throws UnsupportedMediaTypeError for a body of another type, and for a compressed one */
export function refuseOtherTypes(
  headers: { readonly 'content-type'?: string; readonly 'content-encoding'?: string },
  accepted: readonly string[],
): void {
  const type = mediaType(headers['content-type']);
  if (accepted.includes(type)) {
    refuseEncoding(headers);
    return;
  }
  throw otherType(type, accepted);
}

/** 415: the route takes no body of this type. */
export function otherType(type: string, accepted: readonly string[]): MillraceError {
  return new MillraceError(
    'UnsupportedMediaTypeError',
    'The body is of a type that this path does not take.',
    {
      details: { content_type: type.slice(0, 100), accepted },
      suggestions: [`Send the header \`Content-Type: ${accepted.join('` or `')}\`.`],
    },
  );
}

/**
 * Media types of bodies that a route takes, for the guard and the OpenAPI document; routes without
 * it take JSON.
 */
export function Consumes(...types: string[]): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(CONSUMES_KEY, types), ApiConsumes(...types));
}

/**
 * Refuses bodies of other types by 415. It also closes the door that `text/plain` and form posts,
 * which any web page may send anywhere without asking, would be.
 */
@Injectable()
export class ContentTypeGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<MillraceRequest>();
    if (!announcesBody(headers)) return true;
    const accepted = this.reflector.getAllAndOverride<string[] | undefined>(CONSUMES_KEY, [
      context.getHandler(),
      context.getClass(),
    ]) ?? ['application/json'];
    refuseOtherTypes(headers, accepted);
    return true;
  }
}
