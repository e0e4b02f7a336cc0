import { applyDecorators, type Type } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiOkResponse,
  ApiProperty,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { statusOfKind } from '../errors/error-kind.js';

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

/** How an error stands in the document: JSON, whatever the route produces otherwise. */
export function errorAnswer(status: ErrorStatus) {
  const kinds = Object.entries(statusOfKind);
  return {
    description: kinds.find(([, each]) => each === status)?.[0] ?? 'Error',
    content: { 'application/json': { schema: { $ref: getSchemaPath(ErrorResponse) } } },
    ...(RETRY_STATUSES.includes(status) ? { headers: retryAfter } : {}),
  };
}

/**
 * Documents the errors of a route by their statuses; what every route may answer, `finishDocument`
 * adds.
 */
export function ApiErrors(...statuses: ErrorStatus[]): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ApiExtraModels(ErrorResponse),
    ...[...new Set(statuses)].map((status) => ApiResponse({ status, ...errorAnswer(status) })),
  );
}

/** Documents a page of `item`. */
export function ApiPage(item: Type): MethodDecorator & ClassDecorator {
  return applyDecorators(ApiExtraModels(item), ApiOkResponse({ schema: pageSchema(item) }));
}

/**
 * Documents a list that is a page with `limit` or `cursor`, and a bare array without (see
 * `listBody`).
 */
export function ApiList(item: Type): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ApiExtraModels(item),
    ApiOkResponse({
      schema: { oneOf: [arraySchema(item), pageSchema(item)] },
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
