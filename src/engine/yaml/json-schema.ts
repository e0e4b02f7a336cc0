import { nameRecord } from '../../common/values/name-record.js';

export type JsonType = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'array' | 'object';

/** The part of JSON Schema (draft 7) by which readers say what they take. */
export interface JsonSchema {
  /** What it is, in words; of what has one, a document holds one copy (`schemaDocument`). */
  readonly title?: string;
  readonly description?: string;
  readonly type?: JsonType | readonly JsonType[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | false;
  readonly propertyNames?: JsonSchema;
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly if?: JsonSchema;
  readonly then?: JsonSchema;
}

/** What a text may be written as: `1.10` and `true` are texts where one is asked for. */
export const SCALAR_TYPES: readonly JsonType[] = ['string', 'number', 'boolean'];

/** Where an expression is in a text, its pattern is not asked. */
const EXPRESSION = String.raw`\$\{\{`;

export function patternOrExpression(pattern: RegExp): RegExp {
  return new RegExp(`(?:${pattern.source})|${EXPRESSION}`, 'u');
}

/** One or the other; `undefined` says nothing of it. */
export function either(...schemas: readonly JsonSchema[]): JsonSchema {
  return { anyOf: schemas.flatMap((schema) => (isChoice(schema) ? schema.anyOf : [schema])) };
}

function isChoice(schema: JsonSchema): schema is { readonly anyOf: readonly JsonSchema[] } {
  return schema.anyOf !== undefined && Object.keys(schema).length === 1;
}

/** `[code, message, suggestion]` */
export type KeyRefusal = readonly [string, string, string];

/** Keys of one map of which one or none may stand there. */
export interface KeyGroup {
  readonly keys: readonly string[];
  /** What is said where none of them stands there; absent = nothing. */
  readonly none?: KeyRefusal;
  /** What is said where several of them do; absent = nothing. */
  readonly several?: KeyRefusal;
}

/** Two keys of one map, where the value of one says whether the other stands there. */
export interface KeyNeed {
  readonly key: string;
  readonly where: { readonly key: string; readonly is: string };
  /** What is said where `key` is not there, though the other one has this value. */
  readonly missing: KeyRefusal;
  /** What is said where `key` is there, and the other one has another value. */
  readonly needless: KeyRefusal;
}

/** What a map of keys is known by. */
export interface SchemaTable {
  readonly name: string;
  readonly fields: Readonly<
    Record<string, { readonly expects: string; readonly schema: JsonSchema }>
  >;
  readonly required?: readonly string[];
  readonly same?: Readonly<Record<string, string>>;
  readonly meanings?: Readonly<Record<string, string>>;
  readonly groups?: readonly KeyGroup[];
  readonly needs?: readonly KeyNeed[];
}

/** A map with these keys and no others but `x-…`. */
export function mapSchema({
  name,
  fields,
  required = [],
  same,
  meanings,
  groups = [],
  needs = [],
}: SchemaTable): JsonSchema {
  const texts = new Map(Object.entries(meanings ?? {}));
  const known = new Map(
    Object.entries(fields).map(([key, { expects, schema }]) => [
      key,
      described(schema, texts.get(key) ?? expects),
    ]),
  );
  const others = Object.entries(same ?? {}).map(
    ([key, field]) => [key, { ...known.get(field), description: `The same as ${field}.` }] as const,
  );
  const schema: JsonSchema = {
    title: name,
    type: 'object',
    properties: nameRecord([...known, ...others]),
    patternProperties: { '^x-': {} },
    additionalProperties: false,
    ...(required.length > 0 && { required }),
  };
  return withRules(schema, [...ofSame(same), ...groups.flatMap(ofGroup), ...needs.flatMap(ofNeed)]);
}

/** A schema that asks for all of these, too. */
export function withRules(schema: JsonSchema, rules: readonly JsonSchema[]): JsonSchema {
  return rules.length === 0 ? schema : { ...schema, allOf: [...(schema.allOf ?? []), ...rules] };
}

/** Names of one key exclude each other. */
function ofSame(same: SchemaTable['same'] = {}): readonly JsonSchema[] {
  return Object.entries(same).map((names) => ({ not: { required: names } }));
}

function ofGroup({ keys, none, several }: KeyGroup): readonly JsonSchema[] {
  const pairs = keys.flatMap((key, index) =>
    keys.slice(index + 1).map((other) => ({ required: [key, other] })),
  );
  return [
    ...(none === undefined ? [] : [{ anyOf: keys.map((key) => ({ required: [key] })) }]),
    ...(several === undefined ? [] : [{ not: { anyOf: pairs } }]),
  ];
}

function ofNeed({ key, where }: KeyNeed): readonly JsonSchema[] {
  const properties = { [where.key]: { enum: [where.is] } };
  return [
    { if: { properties, required: [where.key] }, then: { required: [key] } },
    { if: { required: [key] }, then: { properties } },
  ];
}

function described(schema: JsonSchema, text: string): JsonSchema {
  const description = text.charAt(0).toUpperCase() + text.slice(1);
  // What has a title stands elsewhere, and nothing beside a reference counts.
  return schema.title === undefined ? { description, ...schema } : { description, allOf: [schema] };
}
