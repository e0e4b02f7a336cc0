import type { Request } from 'express';
import type { Logger } from 'pino';
import { uuidV7 } from '../ids/uuid.js';

/**
 * As much of who sends a request as the edge needs to know; all of it is in
 * `auth/principals/principal.ts`.
 */
export interface KnownCaller {
  readonly id: string;
  readonly kind: 'token' | 'anonymous' | 'user' | 'service_account';
  readonly name?: string;
  readonly credential?: { readonly kind: string; readonly id: string };
}

/** What our middleware adds to a request. */
export interface RequestContext {
  /** Value of `X-Request-Id`, and `req.id` in the log. */
  id: string;
  log: Logger;
  /**
   * Of the client itself where `TRUST_PROXY` names the proxies in front; '' when it has left
   * already.
   */
  clientAddress: string;
  /** Absent until somebody was recognized. */
  principal?: KnownCaller;
  /** The body as it came; only on routes with `@RawBody`. */
  rawBody?: Buffer;
  /** SHA-256 of the body in hexadecimal; only there with an `Idempotency-Key`. */
  bodyDigest?: string;
  /** True once the answer of this request also ends its connection. */
  closing?: boolean;
}

export type MillraceRequest = Request & RequestContext;

const SANE_REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$/;

/**
 * The client's own id when it is 8 to 64 harmless characters, so that one id can be followed
 * through systems; else a new one.
 */
export function requestIdFrom(header: string | string[] | undefined): string {
  return typeof header === 'string' && SANE_REQUEST_ID.test(header) ? header : uuidV7();
}
