import { statusOfKind, type ErrorKind } from './error-kind.js';

/** Plain JSON: a text, a list or an object. It is shown to the client as it is. */
export type ErrorDetails = string | readonly unknown[] | Readonly<Record<string, unknown>>;

/** What the makers below take besides the message. */
export interface ErrorOptions {
  readonly details?: ErrorDetails;
  /** What the client can do about it; without one, the kind's own suggestion is used. */
  readonly suggestions?: readonly string[];
  /** Seconds until a new try makes sense; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** For the log only. */
  readonly cause?: unknown;
}

/**
 * An outcome that is shown to the client. Message, details and suggestions are shown as they are,
 * so they hold no secret, path, host or text of a driver; `cause` goes to the log only. It knows no
 * HTTP framework, so every level may throw it.
 */
export class MillraceError extends Error {
  readonly details: ErrorDetails | undefined;
  readonly suggestions: readonly string[];
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly kind: ErrorKind,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MillraceError';
    this.details = options.details;
    this.suggestions = options.suggestions ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** HTTP status of its kind. */
  get status(): (typeof statusOfKind)[ErrorKind] {
    return statusOfKind[this.kind];
  }
}

/** 400: the request itself is wrong. */
export function validationError(message: string, options?: ErrorOptions): MillraceError {
  return new MillraceError('ValidationError', message, options);
}

/** The command that lists things of a kind. */
const LISTED_BY: ReadonlyMap<string, string> = new Map([
  ['pipeline', 'pipelines'],
  ['execution', 'status'],
  ['deployment', 'deployments'],
  ['service', 'services'],
  ['environment', 'environments'],
  ['worker', 'workers'],
  ['repository', 'repositories'],
  ['delivery', 'deliveries'],
  ['decision', 'deliveries show'],
  ['token', 'tokens'],
  ['service account', 'service-accounts'],
  ['encryption key', 'secrets keys'],
]);

/** 404 for a thing with an id: `notFound('pipeline', id)`. */
export function notFound(thing: string, id: string, options: ErrorOptions = {}): MillraceError {
  const command = LISTED_BY.get(thing);
  const list = command === undefined ? `the list of ${thing}s` : `\`./millrace ${command}\``;
  const suggestions = options.suggestions ?? [`Check the id; ${list} shows what exists.`];
  return new MillraceError('NotFoundError', `There is no ${thing} ${id}.`, {
    ...options,
    suggestions,
  });
}

/** 409: the state of the thing does not allow it. */
export function conflict(message: string, options?: ErrorOptions): MillraceError {
  return new MillraceError('ConflictError', message, options);
}

/** 422: well formed, but its values cannot be used. */
export function unprocessable(message: string, options?: ErrorOptions): MillraceError {
  return new MillraceError('UnprocessableError', message, options);
}

/** 413. `limitBytes` goes into `details`. */
export function payloadTooLarge(message: string, limitBytes: number): MillraceError {
  return new MillraceError('PayloadTooLargeError', message, {
    details: { limit_bytes: limitBytes },
  });
}

/** 503: a part that the request needs is away for now. */
export function serviceUnavailable(message: string, options: ErrorOptions = {}): MillraceError {
  return new MillraceError('ServiceUnavailableError', message, {
    retryAfterSeconds: 5,
    ...options,
  });
}
