import type { NextFunction, Request, Response } from 'express';
import { validationError } from '../errors/millrace.error.js';
import type { BodyBudget } from './body-budget.js';
import { announcesBody, mediaType } from './content-type.js';
import { jsonProblem } from './json-guard.js';
import { decodeUtf8, readUtf8Body } from './utf8-body.js';
import { parseJson } from './written-numbers.js';
import type { MillraceRequest } from './request-context.js';

/** A larger body takes milliseconds to parse, so it gets a turn of the event loop of its own. */
const LARGE_BYTES = 64 * 1024;
let lastTurn: Promise<unknown> = Promise.resolve();

/**
 * Resolves in a turn of the event loop that no other large body has: requests in between are
 * answered in between.
 */
function ownTurn(): Promise<unknown> {
  lastTurn = lastTurn.then(() => new Promise((resolve) => setImmediate(resolve)));
  return lastTurn;
}

/**
 * Reads JSON bodies into `request.body`. Unlike Express's own parser it answers 413 at once instead
 * of after the whole body came, takes no compressed bodies (a small one may be gigabytes), refuses
 * what is not UTF-8, and says where the JSON breaks, and refuses JSON of so many parts that it
 * would hold up all others. Only requests of somebody known are read; all others end in 401 without
 * it. What was read raw is left as it is.
 * @param limit largest body, bytes
 */
export function jsonBody(
  limit: number,
  budget: BodyBudget,
): (request: Request, response: Response, next: NextFunction) => void {
  return (request, _response, next) => {
    const wanted =
      (request as MillraceRequest).principal !== undefined &&
      (request as MillraceRequest).rawBody === undefined &&
      announcesBody(request.headers) &&
      mediaType(request.headers['content-type']) === 'application/json';
    if (!wanted) {
      next();
      return;
    }
    readUtf8Body(request as MillraceRequest, limit, budget, jsonOf).then(
      (body) => {
        request.body = body;
        next();
      },
      (error: unknown) => next(error),
    );
  };
}

async function jsonOf(bytes: Buffer): Promise<unknown> {
  if (bytes.length > LARGE_BYTES) await ownTurn();
  return bodyOf(bytes);
}

const problemMessages = {
  too_deep: 'The JSON has lists and objects too deep within each other.',
  too_many_parts: 'The JSON has too many parts.',
};

function bodyOf(bytes: Buffer): unknown {
  const problem = jsonProblem(bytes);
  if (problem !== undefined) {
    throw validationError(problemMessages[problem], {
      details: { code: problem },
      suggestions: ['Send what /api/docs shows for this path; a pipeline goes in as one text.'],
    });
  }
  const body = parsed(decodeUtf8(bytes, { keepsMark: false }));
  // Validation would let `null` pass as if there were no body.
  if (body === null) {
    throw validationError('The body is null, and not a JSON object.', {
      suggestions: ['Send what /api/docs shows for this path, or no body where none is required.'],
    });
  }
  return body;
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw validationError('The body is not JSON.', {
      details: jsonPosition(text, error),
      suggestions: [
        'Check quotes, commas and brackets, for example with `jq .`; strings need double quotes.',
      ],
      cause: error,
    });
  }
}

/**
 * Line and column, where V8 tells them; its own message quotes the body, which may hold secrets.
 */
function jsonPosition(text: string, error: unknown): { line: number; column: number } | undefined {
  const position = /position (\d+)/.exec(String(error))?.[1];
  if (position === undefined) return undefined;
  const before = text.slice(0, Number(position)).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
