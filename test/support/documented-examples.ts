import type { ApiDocument, ApiOperation } from './documented-api.js';
import type { Schema } from './schema-samples.js';

/** What of a body or an answer is shown to readers. */
export interface MediaType {
  readonly schema?: unknown;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

type Shown = Schema & { readonly example?: unknown };

const REF = '#/components/schemas/';

/** The examples that are written down; empty: whoever shows it makes one of the schema. */
export function writtenExamples(media: MediaType): unknown[] {
  if (media.examples !== undefined) return Object.values(media.examples).map(({ value }) => value);
  return 'example' in media ? [media.example] : [];
}

/** What Swagger UI shows: what is written down, or else what it makes of the schema. */
export function shownExamples(media: MediaType, document: ApiDocument): unknown[] {
  const written = writtenExamples(media);
  if (written.length > 0) return written;
  const schemas = document.components.schemas as Readonly<Record<string, Shown>>;
  return [shown(media.schema ?? {}, schemas)];
}

function shown(schema: Shown, schemas: Readonly<Record<string, Shown>>): unknown {
  if ('example' in schema) return schema.example;
  if (schema.$ref !== undefined)
    return shown(schemas[schema.$ref.slice(REF.length)] ?? {}, schemas);
  if (schema.enum !== undefined) return schema.enum[0];
  const [alternative] = schema.allOf ?? schema.oneOf ?? schema.anyOf ?? [];
  if (alternative !== undefined) return shown(alternative, schemas);
  switch ([schema.type ?? 'null'].flat()[0]) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, each]) => [name, shown(each, schemas)]),
      );
    case 'array':
      return [shown(schema.items ?? {}, schemas)];
    case 'string':
      return text(schema.format);
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
      return (schema as { minimum?: number }).minimum ?? 0;
    default:
      return null;
  }
}

function text(format: string | undefined): string {
  if (format === 'uuid') return '3fa85f64-5717-4562-b3fc-2c963f66afa6';
  return format === 'date-time' ? '2026-01-31T12:00:00.000Z' : 'string';
}

interface ErrorExample {
  readonly error: string;
  readonly message: string;
  readonly details: unknown;
  readonly suggestions: readonly string[];
}

/** Of the errors of a status; empty where its answers are no errors of ours. */
export function errorExamples({ responses }: ApiOperation, status: string): ErrorExample[] {
  const json = responses[status]?.content?.['application/json'];
  const { $ref } = (json?.schema ?? {}) as { $ref?: string };
  if (json === undefined || $ref !== `${REF}ErrorResponse`) return [];
  return writtenExamples(json) as ErrorExample[];
}

/** A message without what differs from one request to the next. */
export function shapeOf(message: string): string {
  return message
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, 'ID')
    .replaceAll(/\d+/g, 'N')
    .replace(/^(There is no (?:service account|encryption key|\S+)) \S+\.$/, '$1 NAME.');
}
