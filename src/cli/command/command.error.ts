import { exitCodes } from './exit-codes.js';

/** The error shape of the API (docs/api.md), as the server sent it. */
export interface ErrorShape {
  readonly error: string;
  readonly message: string;
  readonly details?: unknown;
  readonly suggestions: readonly string[];
  readonly timestamp: string;
}

/**
 * A command cannot do what it was asked: shown as what is wrong, then what to do, without a stack.
 */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly exitCode = 1,
    /** One line each. */
    readonly suggestions: readonly string[] = [],
    /** What the server answered, when it was the server that refused. */
    readonly answer?: ErrorShape,
  ) {
    super(message);
    this.name = 'CommandError';
  }
}

/** The same as JSON: the server's own answer, or ours in its shape. */
export function errorShapeOf(error: CommandError): ErrorShape {
  if (error.answer) return error.answer;
  return {
    error: kindOf(error.exitCode),
    message: error.message,
    details: { exit_code: error.exitCode },
    suggestions: error.suggestions.map((line) => line.trim()),
    timestamp: new Date().toISOString(),
  };
}

function kindOf(exitCode: number): string {
  switch (exitCode) {
    case exitCodes.usage:
      return 'ValidationError';
    case exitCodes.unreachable:
      return 'ServiceUnavailableError';
    case exitCodes.auth:
      return 'AuthenticationError';
    case exitCodes.notFound:
      return 'NotFoundError';
    default:
      return 'ConflictError';
  }
}
