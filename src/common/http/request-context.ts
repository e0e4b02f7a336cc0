import type { Request } from 'express';
import type { Logger } from 'pino';
import { uuidV7 } from '../ids/uuid.js';

/** Who sends a request. `id` is what the log and stored documents name: `token`, `anonymous`, later a user's id. */
export interface Actor {
  readonly id: string;
  readonly kind: 'token' | 'anonymous';
}

/** What our middleware adds to a request. */
export interface RequestContext {
  /** Value of `X-Request-Id`, and `req.id` in the log. */
  id: string;
  log: Logger;
  /** Of the client itself where `TRUST_PROXY` names the proxies in front; '' when it has left already. */
  clientAddress: string;
  /** Absent until somebody was recognized. */
  actor?: Actor;
  /** SHA-256 of the body in hexadecimal; only there with an `Idempotency-Key`. */
  bodyDigest?: string;
  /** True once the answer of this request also ends its connection. */
  closing?: boolean;
}

export type MillraceRequest = Request & RequestContext;

const saneRequestId = /^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$/;

/** The client's own id when it is 8 to 64 harmless characters, so that one id can be followed through systems; else a new one. */
export function requestIdFrom(header: string | string[] | undefined): string {
  return typeof header === 'string' && saneRequestId.test(header) ? header : uuidV7();
}
