import { within } from '../../common/async/within.js';
import { EngineAwayError } from './container-runtime.js';

/** What dockerode rejects with when the engine has answered. */
interface AnsweredError extends Error {
  readonly statusCode: number;
}

/** The status of the engine's answer; undefined: it did not answer. */
export function statusOf(error: unknown): number | undefined {
  const { statusCode } = (error ?? {}) as Partial<AnsweredError>;
  return typeof statusCode === 'number' ? statusCode : undefined;
}

/** What dockerode sets before the words of the engine: `(HTTP code 500) server error - `. */
const CLIENT_WORDS = /^\(HTTP code \d+\) [^-]* - /;

/** What the engine said, in its words and without those of dockerode. */
export function saidBy(error: unknown): string {
  const { json, message } = (error ?? {}) as { json?: { message?: unknown }; message?: unknown };
  if (typeof json?.message === 'string') return json.message.trim();
  if (typeof message !== 'string') return String(error);
  // Of an answer that was to be a stream it keeps no JSON: the message holds the engine's words.
  return (statusOf(error) === undefined ? message : message.replace(CLIENT_WORDS, '')).trim();
}

/** For an answer that is not a stream, ms. */
const ANSWER_MS = 120_000;

/**
 * Does a call; an engine that does not answer is an `EngineAwayError`. One that is killed in the
 * middle of an answer is told to nobody by its client: hence the limit.
 */
export async function asked<T>(call: Promise<T>, limitMs = ANSWER_MS): Promise<T> {
  try {
    return await within(limitMs, call, () => {
      throw new Error(`no answer within ${limitMs / 1000} s`);
    });
  } catch (error) {
    if (statusOf(error) === undefined) throw new EngineAwayError(saidBy(error));
    throw error;
  }
}

/** Does a call that may find nothing any more: 404, or 409 for what is being removed. */
export async function orGone<T>(call: Promise<T>, limitMs = ANSWER_MS): Promise<T | undefined> {
  try {
    return await asked(call, limitMs);
  } catch (error) {
    const status = statusOf(error);
    if (status === 404 || status === 409 || status === 304) return undefined;
    throw error;
  }
}
