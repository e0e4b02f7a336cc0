import type { OpenAPIObject } from '@nestjs/swagger';
import { hasName, valueOf } from '../values/name-record.js';
import type { MillraceError } from '../errors/millrace.error.js';
import { BODY_EXTENSION, errorAnswer, type ErrorStatus } from './api-documentation.js';
import type { ErrorBody } from './error-body.js';
import { commonError, type RefusingOperation } from './common-errors.js';

type Schema = Record<string, unknown>;

interface Parameter {
  in?: string;
  name?: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}

/** The parts of an operation that are looked at here. */
export interface Operation extends RefusingOperation {
  parameters?: Parameter[];
  requestBody?: { content?: Record<string, object> };
  responses?: Partial<Record<ErrorStatus, Answer>>;
}

interface Answer {
  content?: { 'application/json'?: JsonAnswer };
}

interface JsonAnswer {
  readonly schema?: { readonly $ref?: string };
  readonly example?: ErrorBody;
  readonly examples?: Readonly<Record<string, { readonly value: ErrorBody }>>;
}

/**
 * What an operation answers alike with others for reasons that `common` does not know: who may do
 * what, which parts are away. `undefined`: nothing.
 * @param isOwn the route itself names the status
 */
export type ErrorTeller = (
  status: ErrorStatus,
  operation: object,
  isOwn: boolean,
) => MillraceError | undefined;

/**
 * What the decorators cannot say of single routes, because it holds for all of them. Changes the
 * document and gives it back.
 */
export function finishDocument(
  document: OpenAPIObject,
  told: ErrorTeller = () => undefined,
): OpenAPIObject {
  const schemas = document.components?.schemas ?? {};
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item) as [string, Operation][]) {
      describeParameters(operation);
      describeBodies(operation);
      const own = new Set(Object.keys(operation.responses ?? {}));
      addCommonErrors(path, operation);
      showErrors(operation, (status) => [
        told(status, operation, own.has(String(status))),
        commonError(status, { method, path }, operation, schemas),
      ]);
    }
  }
  for (const schema of Object.values(schemas)) defaultsAsText(schema);
  return document;
}

/** Adds to the errors that a route names itself those that it has in common with others. */
function showErrors(
  { responses = {} }: Operation,
  errorsOf: (status: ErrorStatus) => readonly (MillraceError | undefined)[],
): void {
  for (const [name, answer] of Object.entries(responses)) {
    const json = answer.content?.['application/json'];
    if (json?.schema?.$ref?.endsWith('/ErrorResponse') !== true) continue;
    const status = Number(name) as ErrorStatus;
    const own = ownExamples(json);
    const [special, common] = errorsOf(status);
    const errors = commonTo(status, own.length > 0, special, common);
    Object.assign(answer, { content: errorAnswer(status, errors, own).content });
  }
}

function ownExamples({ example, examples = {} }: JsonAnswer): readonly ErrorBody[] {
  return example ? [example] : Object.values(examples).map(({ value }) => value);
}

function commonTo(
  status: ErrorStatus,
  hasOwn: boolean,
  special: MillraceError | undefined,
  common: MillraceError | undefined,
): readonly MillraceError[] {
  const isDefined = (each: MillraceError | undefined): each is MillraceError => each !== undefined;
  // Whatever a route refuses itself: parts may be away, and somebody may lack the right.
  if (status === 503) return [special, common].filter(isDefined);
  if (hasOwn) return status === 403 ? [special].filter(isDefined) : [];
  return [special ?? common].filter(isDefined);
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
    if (parameter.schema !== undefined) {
      defaultAsText(parameter, parameter.schema);
      if (parameter.required !== true) exampleAsText(parameter, parameter.schema);
    }
    const exact = parameter.in === 'path' ? valueOf(PATH_FORMATS, parameter.name ?? '') : undefined;
    if (exact !== undefined) parameter.schema = exact;
  }
}

function describeBodies(operation: Operation): void {
  const content = operation.requestBody?.content ?? {};
  for (const [key, said] of Object.entries(operation)) {
    if (!key.startsWith(BODY_EXTENSION)) continue;
    const body = valueOf(content, key.slice(BODY_EXTENSION.length));
    if (body === undefined) throw new Error(`${key} describes a body that is not taken`);
    Object.assign(body, said);
    Reflect.deleteProperty(operation, key);
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
  addWords(described, `Default: \`${JSON.stringify(schema['default'])}\`.`);
  delete schema['default'];
}

/**
 * Swagger UI fills examples in, and sends what is filled in: a list would come back filtered by the
 * example, and so empty.
 */
function exampleAsText(described: { description?: unknown }, schema: Schema): void {
  if (!hasName(schema, 'example')) return;
  addWords(described, `For example \`${String(schema['example'])}\`.`);
  delete schema['example'];
}

function addWords(described: { description?: unknown }, text: string): void {
  const before = described.description;
  described.description = typeof before === 'string' ? `${before} ${text}` : text;
}
