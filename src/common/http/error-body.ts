import { defaultSuggestions } from '../errors/error-kind.js';
import type { MillraceError } from '../errors/millrace.error.js';

/** The one error shape (docs/api.md). */
export interface ErrorBody {
  readonly error: string;
  readonly message: string;
  readonly details: unknown;
  readonly suggestions: readonly string[];
  readonly timestamp: string;
}

/** @param requestId in place of details, where the error has none */
export function errorBody(error: MillraceError, requestId: string, at: Date): ErrorBody {
  return {
    error: error.kind,
    message: error.message,
    details: error.details ?? { request_id: requestId },
    suggestions:
      error.suggestions.length > 0 ? error.suggestions : [defaultSuggestions[error.kind]],
    timestamp: at.toISOString(),
  };
}
