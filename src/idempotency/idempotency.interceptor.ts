import { nameRecord } from '../common/values/name-record.js';
import {
  Injectable,
  Logger,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { Response } from 'express';
import { createHash } from 'node:crypto';
import { lastValueFrom, of, type Observable } from 'rxjs';
import { conflict, unprocessable, type MillraceError } from '../common/errors/millrace.error.js';
import { toMillraceError } from '../common/errors/to-millrace-error.js';
import { failPoint } from '../common/fail-point.js';
import {
  idempotencyKeyOf,
  IDEMPOTENCY_REPLAYED_HEADER,
} from '../common/http/idempotency-header.js';
import type { MillraceRequest } from '../common/http/request-context.js';
import { isUuid } from '../common/ids/uuid.js';
import type { StoredAnswer } from './idempotency-key.schema.js';
import { IdempotencyKeys, type KeyHold, type KeyScope } from './idempotency-keys.js';
import type { Reservation } from './reservation.js';

/** A request with what the interceptor hands to the route. */
export type ReservedRequest = MillraceRequest & { reservation?: Reservation };

/** Headers of an answer that are given again. */
const KEPT_HEADERS = ['Location', 'ETag'];
const noBody = createHash('sha256').digest('hex');

/** Honours `Idempotency-Key` on the routes that say `@Idempotent()`; requests without one pass. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  private readonly logger = new Logger(IdempotencyInterceptor.name);

  constructor(private readonly keys: IdempotencyKeys) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<ReservedRequest>();
    const key = idempotencyKeyOf(request);
    if (key === undefined) return next.handle();

    const response = http.getResponse<Response>();
    const outcome = await this.keys.take(scopeOf(request, key), request.bodyDigest ?? noBody);
    switch (outcome.kind) {
      case 'held':
        request.reservation = outcome.hold.reservation;
        return of(await this.act(outcome.hold, next, response));
      case 'answered':
        return of(replay(outcome.answer, response));
      case 'other_body':
        throw usedWithOtherBody();
      case 'under_way':
        throw stillUnderWay(outcome.retryAfterMs);
    }
  }

  private async act(hold: KeyHold, next: CallHandler, response: Response): Promise<unknown> {
    let body: unknown;
    try {
      body = await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (error) {
      const refused = toMillraceError(error).status < 500;
      await this.note(refused ? this.keys.refused(hold) : this.keys.broke(hold));
      throw error;
    }
    await this.note(this.keys.answered(hold, answerOf(body, response)));
    failPoint('idempotent_answer_stored');
    return body;
  }

  /**
   * What happened is answered to the client, whether it can be noted or not: a repetition finds it
   * out by the id.
   */
  private async note(noting: Promise<void>): Promise<void> {
    await noting.catch((error: unknown) => {
      this.logger.warn({ err: error }, 'the outcome of an idempotent request is not noted');
    });
  }
}

/**
 * The route with what its parameters say, because a key for one pipeline says nothing of another.
 */
function scopeOf(request: ReservedRequest, key: string): KeyScope {
  const { path } = request.route as { path: string };
  const params = Object.entries(request.params).map(([name, value]) => [
    name,
    typeof value === 'string' && isUuid(value) ? value.toLowerCase() : value,
  ]);
  return {
    actor: request.principal?.id ?? '',
    route: `${request.method} ${path} ${JSON.stringify(params)}`,
    key,
  };
}

function answerOf(body: unknown, response: Response): StoredAnswer {
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = response.getHeader(name);
    return value === undefined ? [] : [[name, String(value)] as const];
  });
  return {
    status: response.statusCode,
    headers: nameRecord(headers),
    body: JSON.stringify(body ?? null),
  };
}

function replay(answer: StoredAnswer, response: Response): unknown {
  response.status(answer.status);
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  response.setHeader(IDEMPOTENCY_REPLAYED_HEADER, 'true');
  return JSON.parse(answer.body) as unknown;
}

/** 422 */
export function usedWithOtherBody(): MillraceError {
  return unprocessable('This Idempotency-Key was used with another body.', {
    suggestions: [
      'Send a new key with a new request; repeat a request with the very bytes of the first.',
    ],
  });
}

/** 409 */
export function stillUnderWay(retryAfterMs: number): MillraceError {
  return conflict('The first request with this Idempotency-Key is still under way.', {
    retryAfterSeconds: retryAfterMs / 1000,
    suggestions: ['Send the same request again after the time in the Retry-After header.'],
  });
}
