import {
  applyDecorators,
  createParamDecorator,
  UseInterceptors,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import { ApiErrors } from '../common/http/api-documentation.js';
import {
  IdempotencyInterceptor,
  type ReservedRequest,
  stillUnderWay,
  usedWithOtherBody,
} from './idempotency.interceptor.js';
import { freshReservation, type Reservation } from './reservation.js';
import { unusableKey } from '../common/http/idempotency-header.js';

/**
 * The route creates something and honours `Idempotency-Key`. It takes the `Reservation` by
 * `@Reserved()` and creates under its id; if that is `repeated`, it looks first whether the thing
 * is there. Its answer must be JSON, and it must throw errors of 4xx only before it has created
 * anything.
 * @param before interceptors that read the body (and set `request.bodyDigest`) where it is not JSON
 */
export function Idempotent(...before: Type<NestInterceptor>[]): MethodDecorator {
  return applyDecorators(
    UseInterceptors(...before, IdempotencyInterceptor),
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      schema: { type: 'string', minLength: 1, maxLength: 255 },
      description:
        'Repeat a request with the same key within 24 h, and nothing is created twice: the first answer comes again, with `Idempotency-Replayed: true`.',
    }),
    ApiErrors(unusableKey(), stillUnderWay(1_000), usedWithOtherBody()),
  );
}

/**
 * Parameter of an `@Idempotent()` route: the `Reservation` of what it creates. There always is one.
 */
export const Reserved = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Reservation =>
    context.switchToHttp().getRequest<ReservedRequest>().reservation ?? freshReservation(),
);
