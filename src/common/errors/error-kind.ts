/** The values of `error` in the error shape, and the HTTP status of each (docs/api.md). */
export const statusOfKind = {
  ValidationError: 400,
  AuthenticationError: 401,
  AuthorizationError: 403,
  NotFoundError: 404,
  MethodNotAllowedError: 405,
  ConflictError: 409,
  PayloadTooLargeError: 413,
  UnsupportedMediaTypeError: 415,
  UnprocessableError: 422,
  RateLimitError: 429,
  InternalError: 500,
  ExternalServiceError: 502,
  ServiceUnavailableError: 503,
  TimeoutError: 504,
} as const;

export type ErrorKind = keyof typeof statusOfKind;

/**
 * What to try when whoever raised the error had nothing better to say: every error has at least one
 * suggestion.
 */
export const defaultSuggestions: Readonly<Record<ErrorKind, string>> = {
  ValidationError: 'Correct the request and send it again; /api/docs shows what it takes.',
  AuthenticationError:
    'Send the header `Authorization: Bearer <token>`; the token is in the file `token` of the data folder, or in MILLRACE_TOKEN.',
  AuthorizationError: 'Ask an administrator for the right to do this.',
  NotFoundError:
    'Check the path and the id; `./millrace pipelines` and `./millrace status` (/api/ci) list what exists.',
  MethodNotAllowedError: 'Use one of the methods in the Allow header.',
  ConflictError: 'Read the current state, then decide whether to send the request again.',
  PayloadTooLargeError: 'Send a smaller body, or raise MAX_UPLOAD_SIZE on the server.',
  UnsupportedMediaTypeError: 'Send JSON with the header `Content-Type: application/json`.',
  UnprocessableError: 'Correct the values that `details` names and send the request again.',
  RateLimitError: 'Wait for the time in the Retry-After header, then send the request again.',
  InternalError:
    'Send the request again; if it fails again, look for the X-Request-Id of this answer in the log of the server.',
  ExternalServiceError: 'Check that the other service works and is reachable, then try again.',
  ServiceUnavailableError:
    'Wait for the time in the Retry-After header, then try again; /api/healthchecker shows what is down.',
  TimeoutError: 'Try again; if it takes too long again, ask for less at once.',
};
