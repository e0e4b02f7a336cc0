/** The keywords of JSON Schema that `openapi.json` has. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

type Schemas = Readonly<Record<string, Schema>>;

const REF = '#/components/schemas/';

/**
 * Values of a schema: first one with everything that it names, then each that differs from it in
 * one place: a property that may be absent is absent, what may be null is null, another alternative
 * is taken.
 */
export function* samplesOf(schema: Schema, schemas: Schemas): Generator {
  if (schema.$ref !== undefined) {
    yield* samplesOf(schemas[schema.$ref.slice(REF.length)] ?? missing(schema.$ref), schemas);
    return;
  }
  const alternatives = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (alternatives !== undefined) {
    if (schema.allOf && alternatives.length > 1) throw new Error('allOf of more than one');
    for (const each of alternatives) yield* samplesOf(each, schemas);
    return;
  }
  if (schema.enum !== undefined) {
    yield* schema.enum;
    return;
  }
  for (const type of [schema.type ?? 'string'].flat()) yield* ofType(type, schema, schemas);
}

function* ofType(type: string, schema: Schema, schemas: Schemas): Generator {
  if (type === 'object') yield* objects(schema, schemas);
  else if (type === 'array')
    for (const item of samplesOf(schema.items ?? {}, schemas)) yield [item];
  else if (type === 'string') yield text(schema.format);
  else if (type === 'null') yield null;
  else if (type === 'boolean') yield* [true, false];
  else if (type === 'number' || type === 'integer') yield 1;
  else throw new Error(`type ${type}`);
}

function* objects({ properties = {}, required = [] }: Schema, schemas: Schemas): Generator {
  const samples = Object.entries(properties).map(
    ([name, property]) => [name, [...samplesOf(property, schemas)]] as const,
  );
  const full = Object.fromEntries(samples.map(([name, [first]]) => [name, first]));
  yield full;
  for (const [name, [, ...others]] of samples) {
    for (const other of others) yield { ...full, [name]: other };
    if (required.includes(name)) continue;
    yield Object.fromEntries(Object.entries(full).filter(([each]) => each !== name));
  }
}

function text(format: string | undefined): string {
  if (format === 'uuid') return '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
  if (format === 'date-time') return '2026-01-31T12:00:00.000Z';
  return 'x';
}

function missing(ref: string): never {
  throw new Error(`${ref} is not in the document`);
}
