import { BadRequestException } from '@nestjs/common';
import { toMillraceError } from '../errors/to-millrace-error.js';
import { hasName, valueOf } from '../values/name-record.js';
import type { MillraceError } from '../errors/millrace.error.js';
import type { ErrorStatus } from './api-documentation.js';
import { otherType } from './consumes.js';
import { unknownProperty } from './dto-input.js';
import { foreignHost } from './edge-guard.js';
import { uploadTooLarge } from './file-upload.js';
import { serverBusy } from './load-shedding.js';
import { isWebhook, limitMessage, limitPassed } from './rate-limit.js';
import { bodyTooLarge } from './read-body.js';
import { notUuid } from './uuid.pipe.js';
import { fieldErrors } from './validation.js';

/** The parts of an operation by which is told how it refuses. */
export interface RefusingOperation {
  readonly parameters?: readonly {
    readonly in?: string;
    readonly name?: string;
    readonly schema?: { readonly format?: unknown };
  }[];
  readonly requestBody?: unknown;
  readonly 'x-max-body-bytes'?: number;
}

/** Defaults of `MAX_UPLOAD_SIZE`, `RATE_LIMIT` and `WEBHOOK_LIMIT`, for examples. */
const EXAMPLE_LIMIT = 10 * 1024 * 1024;
const EXAMPLE_RATE = 30_000;
const EXAMPLE_WEBHOOK_RATE = 6_000;
/** What forms of web pages send by themselves. */
const FOREIGN_TYPE = 'text/plain';

/**
 * What every route answers alike, by what its operation takes; undefined: it is the route's own.
 */
export function commonError(
  status: ErrorStatus,
  { method, path }: { readonly method: string; readonly path: string },
  operation: RefusingOperation,
  schemas: Readonly<Record<string, unknown>>,
): MillraceError | undefined {
  const types = bodyTypes(operation);
  switch (status) {
    case 400:
      return wrongRequest(operation, schemas);
    case 403:
      return foreignHost();
    case 413:
      if (types.includes('multipart/form-data')) return uploadTooLarge(EXAMPLE_LIMIT);
      return bodyTooLarge(operation['x-max-body-bytes'] ?? EXAMPLE_LIMIT);
    case 415:
      return otherType(FOREIGN_TYPE, types);
    case 429:
      return rateExample(method.toUpperCase(), path);
    case 503:
      return serverBusy();
    default:
      return undefined;
  }
}

function rateExample(method: string, path: string): MillraceError {
  const limit = isWebhook(method, path) ? EXAMPLE_WEBHOOK_RATE : EXAMPLE_RATE;
  const verdict = { limit, windowSeconds: 60, retryAfterSeconds: 12 };
  return limitPassed(verdict, limitMessage(method, path));
}

function wrongRequest(
  { parameters = [], requestBody }: RefusingOperation,
  schemas: Readonly<Record<string, unknown>>,
): MillraceError {
  const id = parameters.find((each) => each.in === 'path' && each.schema?.format === 'uuid');
  if (id?.name !== undefined) return notUuid(id.name);
  const asked = parameters.find((each) => each.in === 'query');
  const known = firstProperty(requestBody, schemas) ?? asked?.name;
  // A path that cannot be decoded.
  if (known === undefined) return toMillraceError(new BadRequestException());
  // A slip of the pen: one letter too many.
  return fieldErrors([unknownProperty(`${known}s`)]);
}

function bodyTypes({ requestBody }: RefusingOperation): string[] {
  const { content = {} } = (requestBody ?? {}) as { content?: object };
  return Object.keys(content);
}

/** Of a body of JSON whose class is known. */
function firstProperty(
  requestBody: unknown,
  schemas: Readonly<Record<string, unknown>>,
): string | undefined {
  const { content = {} } = (requestBody ?? {}) as { content?: Record<string, unknown> };
  if (!hasName(content, 'application/json')) return undefined;
  const { schema } = content['application/json'] as { schema?: { $ref?: string } };
  const name = schema?.$ref?.split('/').at(-1) ?? '';
  const { properties = {} } = (valueOf(schemas, name) ?? {}) as { properties?: object };
  return Object.keys(properties)[0];
}
