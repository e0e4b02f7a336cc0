import {
  applyDecorators,
  createParamDecorator,
  SetMetadata,
  type ExecutionContext,
} from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import { Consumes } from './consumes.js';
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
}

export interface RawBodyRule {
  readonly limit: number;
  readonly types: readonly string[];
}

/**
 * The route gets the bytes of the body as they came (`@RawBytes()`), to hold a signature against
 * them. They are read before anybody is known, so the route is `@Public()` and decides by the
 * signature alone; another keeps the server from starting.
 */
export function RawBody({ limit, types = ['application/json'] }: RawBodyOptions): MethodDecorator {
  if (limit > MAX_RAW_BYTES) throw new RangeError(`A raw body has at most ${MAX_RAW_BYTES} bytes`);
  const rule: RawBodyRule = { limit, types };
  return applyDecorators(
    SetMetadata(RAW_BODY_KEY, rule),
    Consumes(...types),
    ApiBody({ schema: { description: `Taken byte by byte, at most ${limit} bytes.` } }),
  );
}

/** Parameter of a handler under `@RawBody`: the bytes of the body; none when there was no body. */
export const RawBytes = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Buffer => {
    const { rawBody } = context.switchToHttp().getRequest<MillraceRequest>();
    return rawBody ?? Buffer.alloc(0);
  },
);
