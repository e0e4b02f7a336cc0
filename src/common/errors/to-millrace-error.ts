import { HttpException } from '@nestjs/common';
import { statusOfKind, type ErrorKind } from './error-kind.js';
import { MillraceError } from './millrace.error.js';

/** Recognizes the errors of one library; `undefined` = not one of them. */
export type ErrorTranslator = (error: unknown) => MillraceError | undefined;

/** Statuses that more than one kind could have, or that have no kind of their own. */
const kindOfStatus = new Map<number, ErrorKind>([
  ...Object.entries(statusOfKind).map(([kind, status]): [number, ErrorKind] => [
    status,
    kind as ErrorKind,
  ]),
  [406, 'ValidationError'],
  [408, 'TimeoutError'],
  [411, 'ValidationError'],
  [412, 'ConflictError'],
  [431, 'PayloadTooLargeError'],
]);

/** What a client reads in place of a library's own words. */
const messageOfKind: Readonly<Record<ErrorKind, string>> = {
  ValidationError: 'The request is not valid.',
  AuthenticationError: 'The request carries no valid token.',
  AuthorizationError: 'This is not allowed.',
  NotFoundError: 'There is nothing at this path.',
  MethodNotAllowedError: 'This path does not take this method.',
  ConflictError: 'The current state does not allow this.',
  PayloadTooLargeError: 'The request is too large.',
  UnsupportedMediaTypeError: 'The body is of a type that this path does not take.',
  UnprocessableError: 'The values in the request cannot be used.',
  RateLimitError: 'Too many requests.',
  InternalError: 'Something went wrong in the server.',
  ExternalServiceError: 'Another service failed.',
  ServiceUnavailableError: 'The server cannot do this for now.',
  TimeoutError: 'It took too long.',
};

/**
 * Makes one of our errors of anything that was thrown. What is not recognized becomes
 * `InternalError`: no word of it reaches the client, all of it the log (as `cause`).
 */
export function toMillraceError(
  error: unknown,
  translators: readonly ErrorTranslator[] = [],
): MillraceError {
  if (error instanceof MillraceError) return error;
  for (const translate of translators) {
    const translated = translate(error);
    if (translated) return translated;
  }
  const status = clientStatus(error);
  const kind = kindOfStatus.get(status) ?? (status < 500 ? 'ValidationError' : 'InternalError');
  return new MillraceError(kind, messageOfKind[kind], { cause: error });
}

/**
 * Status of an error of the framework or of one of the `http-errors` family; a 5xx of those is a
 * defect of ours.
 */
function clientStatus(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  const { statusCode } = (error ?? {}) as { statusCode?: unknown };
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) return statusCode;
  return 500;
}
