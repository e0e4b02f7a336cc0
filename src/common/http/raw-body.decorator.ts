import {
  applyDecorators,
  createParamDecorator,
  SetMetadata,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiExtension } from '@nestjs/swagger';
import { CONSUMES_KEY } from './consumes.js';
import type { MillraceRequest } from './request-context.js';

/**
 * What all raw bodies that are being read may hold together, bytes; so the largest limit of a
 * route.
 */
export const MAX_RAW_BYTES = 32 * 1024 * 1024;

export const RAW_BODY_KEY = 'millrace:raw-body';

export interface RawBodyOptions {
  /** Largest body, bytes, at most 32 MiB; `MAX_UPLOAD_SIZE` does not count here. */
  readonly limit: number;
  /** Media types that the route takes. Default: JSON. */
  readonly types?: readonly string[];
  /** What a body that is read by the route itself holds, for the OpenAPI document. */
  readonly body?: Type;
}

export interface RawBodyRule {
  readonly limit: number;
  readonly types: readonly string[];
}

/**
 * The route gets the bytes of the body as they came (`@RawBytes()`), to hold a signature against
 * them. They are read before anybody is known, so the route is `@Public()` and decides by the
 * signature alone, or by a secret within; another keeps the server from starting.
 */
export function RawBody({
  limit,
  types = ['application/json'],
  body,
}: RawBodyOptions): MethodDecorator {
  if (limit > MAX_RAW_BYTES) throw new RangeError(`A raw body has at most ${MAX_RAW_BYTES} bytes`);
  const said = `Taken byte by byte, at most ${limit} bytes. Media types: ${types.join(', ')}.`;
  const rule: RawBodyRule = { limit, types };
  return applyDecorators(
    SetMetadata(RAW_BODY_KEY, rule),
    SetMetadata(CONSUMES_KEY, types),
    // The document names one of them: a generated Python client of a route with two does not load.
    ApiConsumes(...types.slice(0, 1)),
    body === undefined ? ApiBody({ schema: { description: said } }) : ApiBody({ type: body }),
    ApiExtension('x-max-body-bytes', limit),
  );
}

/** Parameter of a handler under `@RawBody`: the bytes of the body; none when there was no body. */
export const RawBytes = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Buffer => {
    const { rawBody } = context.switchToHttp().getRequest<MillraceRequest>();
    return rawBody ?? Buffer.alloc(0);
  },
);
