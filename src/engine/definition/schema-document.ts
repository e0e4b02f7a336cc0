import { nameRecord } from '../../common/values/name-record.js';
import type { JsonSchema } from '../yaml/json-schema.js';
import { capital } from '../yaml/reader.js';
import { pipelineSchema } from './pipeline-reader.js';

/**
 * The JSON Schema (draft 7) of pipeline files, for editors. It is made of what the readers say of
 * themselves. Whatever they take fits it; of what does not stand in one place (names, needs,
 * expressions) it says nothing. Plain JSON.
 */
export function schemaDocument(): Readonly<Record<string, unknown>> {
  const definitions = new Map<string, unknown>();
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...withParts(pipelineSchema, definitions),
    title: 'A pipeline of Millrace',
    definitions: nameRecord([...definitions].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

export function schemaText(): string {
  return `${JSON.stringify(schemaDocument(), null, 2)}\n`;
}

/** A schema whose named parts stand in `definitions`, each once. */
function written(schema: JsonSchema, definitions: Map<string, unknown>): Record<string, unknown> {
  const { title } = schema;
  if (title === undefined) return withParts(schema, definitions);
  const name = title.replace(/^an? |^the /, '').replaceAll(' ', '_');
  const body = { ...withParts(schema, definitions), title: capital(title) };
  const known = definitions.get(name);
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(body)) {
    throw new Error(`two parts of the schema have the name ${name}`);
  }
  definitions.set(name, body);
  return { $ref: `#/definitions/${name}` };
}

function withParts(schema: JsonSchema, definitions: Map<string, unknown>): Record<string, unknown> {
  const one = (part: JsonSchema): unknown => written(part, definitions);
  const all = (parts: readonly JsonSchema[]): unknown => parts.map(one);
  const named = (parts: Readonly<Record<string, JsonSchema>>): unknown =>
    nameRecord(Object.entries(parts).map(([name, part]) => [name, one(part)] as const));
  const { items, additionalProperties, propertyNames, anyOf, allOf, not } = schema;
  const { if: condition, then, properties, patternProperties } = schema;
  return {
    ...schema,
    ...(items && { items: one(items) }),
    ...(additionalProperties && { additionalProperties: one(additionalProperties) }),
    ...(propertyNames && { propertyNames: one(propertyNames) }),
    ...(anyOf && { anyOf: all(anyOf) }),
    ...(allOf && { allOf: all(allOf) }),
    ...(not && { not: one(not) }),
    ...(condition && { if: one(condition) }),
    ...(then && { then: one(then) }),
    ...(properties && { properties: named(properties) }),
    ...(patternProperties && { patternProperties: named(patternProperties) }),
  };
}
