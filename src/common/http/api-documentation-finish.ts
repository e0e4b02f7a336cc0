import type { OpenAPIObject } from '@nestjs/swagger';
import { hasName, valueOf } from '../values/name-record.js';
import { errorAnswer, type ErrorStatus } from './api-documentation.js';

type Schema = Record<string, unknown>;

/** The parts of an operation that are looked at here. */
interface Operation {
  parameters?: { in?: string; name?: string; description?: string; schema?: Schema }[];
  requestBody?: unknown;
  responses?: Partial<Record<ErrorStatus, unknown>>;
}

/**
 * What the decorators cannot say of single routes, because it holds for all of them. Changes the
 * document and gives it back.
 */
export function finishDocument(document: OpenAPIObject): OpenAPIObject {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const operation of Object.values(item) as Operation[]) {
      describeParameters(operation);
      addCommonErrors(path, operation);
    }
  }
  for (const schema of Object.values(document.components?.schemas ?? {})) defaultsAsText(schema);
  return document;
}

/**
 * Of a parameter of the path the Swagger plugin sees the type of TypeScript; pipes are more exact.
 */
const PATH_FORMATS: Readonly<Record<string, Schema>> = {
  id: { type: 'string', format: 'uuid' },
  version: { type: 'integer', minimum: 1 },
};

function describeParameters({ parameters = [] }: Operation): void {
  for (const parameter of parameters) {
    if (parameter.schema !== undefined) defaultAsText(parameter, parameter.schema);
    const exact = parameter.in === 'path' ? valueOf(PATH_FORMATS, parameter.name ?? '') : undefined;
    if (exact !== undefined) parameter.schema = exact;
  }
}

/** Probes are never limited, and have answers of their own for a server that cannot serve. */
const IS_PROBE = /^\/api\/health/;

/**
 * What stands between the socket and the controllers answers on every route; a route's own words
 * win.
 */
function addCommonErrors(path: string, operation: Operation): void {
  const { parameters = [], requestBody } = operation;
  const responses = (operation.responses ??= {});
  const common: ErrorStatus[] = [403];
  if (parameters.length > 0) common.push(400);
  if (requestBody !== undefined) common.push(400, 413, 415);
  if (!IS_PROBE.test(path)) common.push(429, 503);
  for (const status of common) responses[status] ??= errorAnswer(status);
}

function defaultsAsText(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return;
  const { properties } = schema as { properties?: Record<string, Schema> };
  for (const property of Object.values(properties ?? {})) {
    defaultAsText(property, property);
    defaultsAsText(property);
    defaultsAsText(property['items']);
  }
}

/**
 * Of a `default` client generators make a property that is always there, so everybody who sends the
 * body is asked for it, and a parameter that is always sent. What the server takes when it is
 * absent is described in words.
 */
function defaultAsText(described: { description?: unknown }, schema: Schema): void {
  if (!hasName(schema, 'default')) return;
  const text = `Default: \`${JSON.stringify(schema['default'])}\`.`;
  const before = described.description;
  described.description = typeof before === 'string' ? `${before} ${text}` : text;
  delete schema['default'];
}
