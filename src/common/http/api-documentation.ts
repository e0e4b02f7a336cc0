import { applyDecorators, type Type } from '@nestjs/common';
import {
  ApiExtension,
  ApiExtraModels,
  ApiOkResponse,
  ApiProperty,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { statusOfKind } from '../errors/error-kind.js';
import { MillraceError } from '../errors/millrace.error.js';
import { errorBody, type ErrorBody } from './error-body.js';
import { nameRecord } from '../values/name-record.js';

/** The error shape, for the OpenAPI document. */
export class ErrorResponse {
  @ApiProperty({ enum: Object.keys(statusOfKind), example: 'NotFoundError' })
  error!: string;

  @ApiProperty({ example: 'There is no pipeline 01932f5e-7c3a-7b21-9c44-0d2f6f0a1b2c.' })
  message!: string;

  @ApiProperty({
    oneOf: [
      { type: 'string' },
      { type: 'array', items: {} },
      { type: 'object', additionalProperties: true },
    ],
    example: { request_id: '01932f5e-8a10-7d07-b1c2-5f0e8a6c9d3e' },
  })
  details!: unknown;

  @ApiProperty({ type: [String], example: ['Check the id; the list shows what exists.'] })
  suggestions!: string[];

  @ApiProperty({ type: String, format: 'date-time' })
  timestamp!: string;
}

/** Whatever JSON knows. Without it, the Swagger plugin takes `unknown` for an object. */
export const anyValue = {
  anyOf: [
    { type: 'string' },
    { type: 'number' },
    { type: 'boolean' },
    { type: 'array', items: {} },
    { type: 'object', additionalProperties: true },
    { type: 'null' },
  ],
};

const RETRY_STATUSES: readonly number[] = [429, 503];
const retryAfter = {
  'Retry-After': {
    description: 'Seconds until a new try makes sense.',
    schema: { type: 'integer' as const, minimum: 1 },
  },
};

export type ErrorStatus = (typeof statusOfKind)[keyof typeof statusOfKind];

/** The id of whatever examples speak of. */
export const EXAMPLE_ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';

/** How an error looks in the document: the request and its time are invented. */
const EXAMPLE_REQUEST = '01932f5e-8a10-7d07-b1c2-5f0e8a6c9d3e';
const EXAMPLE_TIME = new Date('2026-01-31T12:00:00.000Z');

/**
 * How errors of one status stand in the document: JSON, whatever the route produces otherwise.
 * @param errors what the route answers; of several, the reader chooses
 * @param before examples that stand there already
 */
export function errorAnswer(
  status: ErrorStatus,
  errors: readonly MillraceError[] = [],
  before: readonly ErrorBody[] = [],
) {
  const kinds = Object.entries(statusOfKind);
  return {
    description: kinds.find(([, each]) => each === status)?.[0] ?? 'Error',
    content: {
      'application/json': {
        schema: { $ref: getSchemaPath(ErrorResponse) },
        ...examplesOf([...before, ...errors.map(exampleOf)]),
      },
    },
    ...(RETRY_STATUSES.includes(status) ? { headers: retryAfter } : {}),
  };
}

function exampleOf(error: MillraceError): ErrorBody {
  return errorBody(error, EXAMPLE_REQUEST, EXAMPLE_TIME);
}

function examplesOf(bodies: readonly ErrorBody[]) {
  const [only, ...others] = bodies;
  if (only === undefined) return {};
  if (others.length === 0) return { example: only };
  return {
    examples: nameRecord(
      bodies.map((value, index) => [String(index + 1), { summary: value.message, value }]),
    ),
  };
}

/** Where the errors of a route are kept until all its decorators have named theirs. */
const ERRORS_KEY = 'millrace:documented-errors';

/**
 * Documents the errors of a route: by what it throws, made as it makes it, or by the status alone
 * of what many routes answer alike. What every route may answer, `finishDocument` adds.
 */
export function ApiErrors(...errors: (ErrorStatus | MillraceError)[]): MethodDecorator {
  return (target, key, descriptor) => {
    const handler = descriptor.value as object;
    const before = (Reflect.getMetadata(ERRORS_KEY, handler) ?? []) as typeof errors;
    const all = [...before, ...errors];
    Reflect.defineMetadata(ERRORS_KEY, all, handler);
    ApiExtraModels(ErrorResponse)(target, key, descriptor);
    const thrown = all.filter((each) => each instanceof MillraceError);
    for (const status of new Set(errors.map((each) => statusOf(each)))) {
      const ofStatus = thrown.filter((each) => each.status === status);
      ApiResponse({ status, ...errorAnswer(status, ofStatus) })(target, key, descriptor);
    }
  };
}

function statusOf(error: ErrorStatus | MillraceError): ErrorStatus {
  return error instanceof MillraceError ? error.status : error;
}

/** What the document says of a body of one media type. */
export interface BodyInDocument {
  /** Default: what the route's DTO says. */
  readonly schema?: object;
  readonly example: unknown;
}

/** Where `finishDocument` finds what `DocumentedBody` says; the media type follows. */
export const BODY_EXTENSION = 'x-millrace-body:';

/** @param bodies by media type, one that the route takes */
export function DocumentedBody(bodies: Readonly<Record<string, BodyInDocument>>): MethodDecorator {
  return applyDecorators(
    ...Object.entries(bodies).map(([type, body]) => ApiExtension(`${BODY_EXTENSION}${type}`, body)),
  );
}

/**
 * What Swagger UI fills in as the JSON body: it passes its schema, needs nothing that is not there,
 * and does no harm to whoever sends it as it is.
 */
export function BodyExample(example: unknown): MethodDecorator {
  return DocumentedBody({ 'application/json': { example } });
}

/** Documents a page of `item`. */
export function ApiPage(item: Type): MethodDecorator & ClassDecorator {
  return applyDecorators(ApiExtraModels(item), ApiOkResponse({ schema: pageSchema(item) }));
}

/**
 * Documents a list that is a page with `limit` or `cursor`, and a bare array without (see
 * `listBody`).
 * @param example default: one that is made of the examples of its properties
 */
export function ApiList(
  item: Type,
  example?: readonly unknown[],
): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ApiExtraModels(item),
    ApiOkResponse({
      schema: { oneOf: [arraySchema(item), pageSchema(item)] },
      ...(example && { example }),
      headers: {
        Link: {
          description: 'With the bare array: the next page, when there is one (RFC 8288).',
          schema: { type: 'string' },
        },
      },
    }),
  );
}

function arraySchema(item: Type) {
  return { type: 'array', items: { $ref: getSchemaPath(item) } };
}

function pageSchema(item: Type) {
  return {
    type: 'object',
    required: ['items', 'next_cursor'],
    properties: {
      items: arraySchema(item),
      next_cursor: { type: 'string', nullable: true, example: null },
    },
  };
}
