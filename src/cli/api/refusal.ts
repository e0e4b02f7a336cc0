import { CommandError, type ErrorShape } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { dictionary, readJson, text } from './answer-shape.js';
import { ConnectionProblem } from './connection-problem.js';
import { MAX_LINES } from './refusal-lines.js';

/** A server that asks for a longer pause is not waited for. */
const MAX_PAUSE_MS = 10_000;
const MAX_MESSAGE = 8_192;

/** The server answered with its error shape. */
export class RefusedError extends CommandError {
  constructor(
    message: string,
    exitCode: number,
    suggestions: readonly string[],
    answer: ErrorShape | undefined,
    readonly status: number,
    readonly retryAfterSeconds?: number,
  ) {
    super(message, exitCode, suggestions, answer);
    this.name = 'RefusedError';
  }

  /** The same without lines that were shown already, in a better way. */
  without(lines: readonly string[]): RefusedError {
    return new RefusedError(
      this.message,
      this.exitCode,
      this.suggestions.filter((line) => !lines.includes(line)),
      this.answer,
      this.status,
      this.retryAfterSeconds,
    );
  }
}

/** Somebody else answered: a proxy whose server is away, or another program. */
export class GatewayError extends RefusedError {}

/** True for what a server that comes back will not say again. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionProblem) return error.passing;
  return error instanceof RefusedError && [429, 502, 503, 504].includes(error.status);
}

/** Milliseconds until the next try; `undefined` = there is none. */
export function pauseAfter(
  error: unknown,
  delay: number | undefined,
  repeatable: boolean,
): number | undefined {
  if (delay === undefined || !isPassing(error)) return undefined;
  if (error instanceof ConnectionProblem) return repeatable || error.unsent ? delay : undefined;
  if (!(error instanceof RefusedError)) return undefined;
  // 429 and 503 of ours mean that nothing was done; a gateway does not know.
  if (!repeatable && !error.answer) return undefined;
  const asked = (error.retryAfterSeconds ?? 0) * 1_000;
  return asked > MAX_PAUSE_MS ? undefined : Math.max(delay, asked);
}

/** By the status of a refusal. */
export function exitCodeOf(status: number): number {
  if (status === 401 || status === 403) return exitCodes.auth;
  if (status === 404) return exitCodes.notFound;
  if (status === 409) return exitCodes.failed;
  if (status === 429 || status >= 500) return exitCodes.unreachable;
  return exitCodes.usage;
}

/**
 * A path that no route has, not a thing that is not there: only of the former the server says
 * method and path.
 */
export function isUnknownRoute(status: number, { details }: ErrorShape): boolean {
  if (status === 405) return true;
  if (status !== 404 || typeof details !== 'object' || details === null) return false;
  return 'method' in details && 'path' in details;
}

/** Seconds that `Retry-After` asks for; `undefined` when it is absent, or a date. */
export function retryAfterSeconds(header = ''): number | undefined {
  return /^\d{1,6}$/.test(header) ? Number(header) : undefined;
}

/**
 * The error shape of an answer; `undefined` when it is none. What is not well made of it is left
 * out.
 */
export function readErrorShape(json: string): ErrorShape | undefined {
  try {
    const { error, message, details, suggestions, timestamp } = readJson(json, dictionary);
    if (typeof error !== 'string' || typeof message !== 'string') return undefined;
    const lines = Array.isArray(suggestions) ? suggestions.slice(0, MAX_LINES) : [];
    return {
      error,
      message: message.slice(0, MAX_MESSAGE),
      ...(details === undefined ? {} : { details }),
      suggestions: lines.filter((line) => typeof line === 'string').map((line) => text(line, '')),
      timestamp: typeof timestamp === 'string' ? timestamp : '',
    };
  } catch {
    return undefined; // Not JSON: whoever asked says so.
  }
}
