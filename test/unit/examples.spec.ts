import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { compileYaml } from '../../src/engine/compiler/compile-yaml.js';
import { schemaDocument } from '../../src/engine/definition/schema-document.js';

const folder = join(__dirname, '../../examples');
const examples = readdirSync(folder).map((name) => ({
  name,
  text: readFileSync(join(folder, name), 'utf8'),
}));

/** The form of RustCI has its examples in test/e2e/six-pipelines. */
const OF_RUSTCI = /step_type|trigger_type|^config_|^config /;
/** Other names of keys that the examples have. */
const SAME = ['stage.condition', 'step.condition', 'hook.condition', 'sidecar.port'];
/** What hooks, stages, defaults and parts have as steps and deployments have it: one is enough. */
const LIKE_ANOTHER: Readonly<Record<string, readonly string[]>> = {
  hook: ['step'],
  defaults: ['step', 'stage'],
  stage: ['step'],
  part: ['deploy'],
};

type Schema = Readonly<Record<string, unknown>>;

const document = schemaDocument();
const definitions = document['definitions'] as Readonly<Record<string, Schema>>;
const ajv = new Ajv({ strict: false }).addSchema(document, 'pipeline');

/** The keys of the maps of `value`, each with the name of the map. */
function* keysIn(value: unknown, schema: Schema, name: string): Generator<string> {
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const named = reference.replace('#/definitions/', '');
    const isOne = ajv.validate(`pipeline${reference}`, value);
    if (isOne) yield* keysIn(value, definitions[named] ?? {}, named);
    return;
  }
  for (const part of [...list(schema['anyOf']), ...list(schema['allOf'])]) {
    yield* keysIn(value, part, name);
  }
  if (Array.isArray(value)) {
    for (const item of value) yield* keysIn(item, (schema['items'] ?? {}) as Schema, name);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>;
  const others = (schema['additionalProperties'] || undefined) as Schema | undefined;
  for (const [key, item] of Object.entries(value)) {
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (known !== undefined) yield `${name}.${key}`;
    yield* keysIn(item, known ?? others ?? {}, name);
  }
}

function list(parts: unknown): readonly Schema[] {
  return (parts ?? []) as readonly Schema[];
}

describe('examples', () => {
  it.each(examples)('$name has no problem', ({ text }) => {
    expect(compileYaml(text, { ssh: true }).problems).toEqual([]);
  });

  it.each(examples)('$name has the name of its file', ({ name, text }) => {
    expect(`${(parse(text) as { name: string }).name}.yaml`).toBe(name);
  });

  it('have every key', () => {
    const found = new Set(
      examples.flatMap(({ text }) => [...keysIn(parse(text), document, 'pipeline')]),
    );
    const known = [...Object.entries(definitions), ['pipeline', document] as const].flatMap(
      ([name, { properties = {} }]) =>
        OF_RUSTCI.test(name) ? [] : Object.keys(properties as object).map((key) => [name, key]),
    );
    expect(known.length).toBeGreaterThan(150);
    const missing = known.filter(
      ([name = '', key = '']) =>
        !SAME.includes(`${name}.${key}`) &&
        ![name, ...(LIKE_ANOTHER[name] ?? [])].some((one) => found.has(`${one}.${key}`)),
    );
    expect(missing.map((each) => each.join('.'))).toEqual([]);
  });
});
