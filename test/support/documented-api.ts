import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** The parts of an OpenAPI document that are looked at here. */
export interface ApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

export interface ApiOperation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  /** Of those that take bytes, whatever they are, from whoever has signed them. */
  readonly 'x-max-body-bytes'?: number;
  readonly responses: Readonly<Record<string, ApiResponse>>;
}

interface ApiResponse {
  readonly content?: Readonly<Record<string, { readonly schema?: unknown }>>;
  readonly headers?: Readonly<Record<string, { readonly schema?: unknown }>>;
}

export interface Operation extends ApiOperation {
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
}

/** An answer as it came. */
export interface LiveAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
}

/**
 * Holds live answers against an OpenAPI document: status, content type, every property by its
 * schema, and none that the document does not name. Remembers what it has seen, so that a test can
 * tell what no answer was held against.
 */
export class DocumentedApi {
  readonly operations: readonly Operation[];
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });
  private readonly validators = new Map<string, ValidateFunction>();
  private readonly seen = new Set<string>();

  constructor(document: ApiDocument) {
    addFormats.default(this.ajv);
    this.ajv.addSchema(closed(document) as object, 'document');
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({
        ...operation,
        method: method.toUpperCase(),
        path,
      })),
    );
  }

  /**
   * The operation of a request; a path without parameters is meant before one with them.
   * `undefined` = there is none.
   */
  operationOf(method: string, url: string): Operation | undefined {
    const path = url.split('?', 1)[0] ?? '';
    const fits = this.operations.filter(
      (each) => each.method === method && patternOf(each.path).test(path),
    );
    return fits.find((each) => each.path === path) ?? fits[0];
  }

  /** What of an answer the document does not say; empty: it is as documented. */
  problemsOf(operation: Operation, answer: LiveAnswer): string[] {
    const status = String(answer.status);
    const name = `${operation.method} ${operation.path} ${status}`;
    const response = operation.responses[status];
    if (response === undefined) return [`${name}: the status is not documented: ${answer.text}`];
    const type = (answer.headers['content-type'] ?? '').split(';', 1)[0] ?? '';
    const pointer = ['paths', operation.path, operation.method.toLowerCase(), 'responses', status];
    const problems = this.headerProblems(response, pointer, answer);
    const content = response.content ?? {};
    this.seen.add(`${operation.operationId} ${status} ${type}`);
    if (Object.keys(content).length === 0) {
      if (answer.text !== '') problems.push('a body that is not documented');
    } else if (!Object.hasOwn(content, type)) {
      problems.push(`content type ${type}, documented ${Object.keys(content).join(', ')}`);
    } else if (content[type]?.schema !== undefined) {
      const body: unknown = type === 'application/json' ? JSON.parse(answer.text) : answer.text;
      problems.push(...this.mismatches([...pointer, 'content', type, 'schema'], body));
    }
    return problems.map((problem) => `${name}: ${problem}`);
  }

  /** Of a body that a request might send. */
  bodyProblems({ path, method }: Operation, type: string, value: unknown): string[] {
    const at = ['paths', path, method.toLowerCase(), 'requestBody', 'content', type, 'schema'];
    return this.mismatches(at, value);
  }

  /** Of a schema of the document by its name. */
  schemaProblems(name: string, value: unknown): string[] {
    return this.mismatches(['components', 'schemas', name], value);
  }

  /**
   * Documented answers of these statuses, with each of their content types, that none was held
   * against.
   */
  unseen(statuses: RegExp): string[] {
    return this.operations.flatMap(({ operationId, responses }) =>
      Object.entries(responses)
        .filter(([status]) => statuses.test(status))
        .flatMap(([status, { content = {} }]) => {
          const types = Object.keys(content);
          return (types.length > 0 ? types : ['']).map(
            (type) => `${operationId} ${status} ${type}`,
          );
        })
        .filter((each) => !this.seen.has(each)),
    );
  }

  private headerProblems(
    { headers = {} }: ApiResponse,
    pointer: readonly string[],
    answer: LiveAnswer,
  ): string[] {
    return Object.keys(headers).flatMap((name) => {
      const value = answer.headers[name.toLowerCase()];
      // A list has no next page sometimes; when to try again is always told.
      if (value === undefined) return name === 'Retry-After' ? ['no Retry-After'] : [];
      const typed = /^\d+$/.test(value) ? Number(value) : value;
      return this.mismatches([...pointer, 'headers', name, 'schema'], typed);
    });
  }

  private mismatches(pointer: readonly string[], value: unknown): string[] {
    const ref = `document#/${pointer.map(escaped).join('/')}`;
    let validate = this.validators.get(ref);
    if (validate === undefined) {
      validate = this.ajv.compile({ $ref: ref });
      this.validators.set(ref, validate);
    }
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath || '/'} ${message ?? ''} ${JSON.stringify(params)}`,
    );
  }
}

/** RFC 6901, in a fragment of a URI. */
function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}

function patternOf(path: string): RegExp {
  const parts = path.split(/\{[^}]+\}/).map((part) => part.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/]+')}$`);
}

/** What the keys of these are, the document's author has chosen; none of them is a keyword. */
const NAMES_OF_THEIR_OWN = new Set([
  'properties',
  'schemas',
  'paths',
  'responses',
  'content',
  'headers',
]);

/** The document with every object closed that does not say itself what else it may hold. */
function closed(node: unknown, isSchema = true): unknown {
  if (Array.isArray(node)) return node.map((each: unknown) => closed(each));
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node as Record<string, unknown>).map(([key, value]) => [
    key,
    key === 'example' || key === 'examples'
      ? value
      : closed(value, !(isSchema && NAMES_OF_THEIR_OWN.has(key))),
  ]);
  const copy = Object.fromEntries(entries) as Record<string, unknown>;
  const isObject = 'properties' in copy || [copy['type']].flat().includes('object');
  const isOpen = 'additionalProperties' in copy || 'anyOf' in copy || 'oneOf' in copy;
  return isSchema && isObject && !isOpen ? { ...copy, unevaluatedProperties: false } : copy;
}
