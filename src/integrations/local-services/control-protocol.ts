import {
  LOCAL_SERVICES_ERROR_CODES,
  LocalServicesError,
  type LocalServicesErrorCode,
} from './local-services.error.js';

/**
 * How the supervisor is asked: `POST /METHOD` over its socket, with the argument as JSON; answered
 * by `{"result": …}` or `{"error": {code, message}}`, which the body alone tells: while it works it
 * sends a blank now and then, so that silence means that nobody is there.
 */
export const CONTROL_METHODS = [
  'start',
  'stop',
  'remove',
  'status',
  'list',
  'listening',
  'log',
  'exec',
  'proxy',
] as const;
export type ControlMethod = (typeof CONTROL_METHODS)[number];

/** Of a request; a spec is far smaller. */
export const LONGEST_REQUEST = 1024 * 1024;
/** Of an answer: the longest log, escaped. */
export const LONGEST_ANSWER = 16 * 1024 * 1024;
export const BLANK_EVERY_MS = 2000;
/** Silence after which the supervisor counts as away. */
export const SILENCE_MS = 15_000;

export interface ControlError {
  readonly code: LocalServicesErrorCode;
  readonly message: string;
}

export type ControlAnswer = { readonly result?: unknown } | { readonly error: ControlError };

/** The result of an answer. @throws LocalServicesError, what the supervisor says */
export function resultOf(text: string): unknown {
  const answer = parse(text);
  if (!('error' in answer)) return answer.result;
  const { code, message } = answer.error;
  const known = LOCAL_SERVICES_ERROR_CODES.find((each) => each === code);
  throw new LocalServicesError(known ?? 'failed', message);
}

function parse(text: string): ControlAnswer {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // It was cut off, or another program answers: see below.
  }
  throw new LocalServicesError('unavailable', 'the supervisor of services gave no whole answer');
}
