import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { compileYaml } from '../../src/engine/compiler/compile-yaml.js';
import { schemaDocument } from '../../src/engine/definition/schema-document.js';
import { parseYamlTree } from '../../src/engine/yaml/yaml-tree.js';

const root = join(__dirname, '../..');

/** Problems of one place of the file: the schema tells them too. */
const OF_ONE_PLACE = new Set([
  'unknown_key',
  'not_yet_supported',
  'missing_key',
  'missing_action',
  'wrong_type',
  'unknown_value',
  'out_of_range',
  'too_long',
  'too_short',
  'empty_list',
  'invalid_duration',
  'invalid_size',
  'invalid_environment',
  'conflicting_keys',
  'invalid_name',
  'reserved_name',
]);

/** What no schema of this kind says, though its code is one of these. */
const LINT_ALONE: ReadonlyMap<string, string> = new Map([
  ['expression-hash-files.yaml', 'it is in an expression'],
  ['expression-matrix.yaml', 'it is in an expression'],
  ['services-in-expressions.yaml', 'it is in an expression'],
  ['step-path.yaml', 'keys by the kind of the step'],
  ['pipeline-timeout-nine-days.yaml', 'a pattern does not count days'],
]);

const folders = ['test/scenarios/lint', 'test/scenarios/run', 'test/e2e/six-pipelines', 'examples'];
const files = folders.flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((file) => /\.ya?ml$/.test(file))
    .map((file) => [file, join(root, folder, file)] as const),
);

const schema = schemaDocument();
const validate = new Ajv({
  ...{ strict: true, strictRequired: false, strictTypes: false, allErrors: true },
}).compile(schema);

describe('the JSON Schema of pipeline files', () => {
  it('is held to many files', () => {
    expect(files.length).toBeGreaterThan(400);
    const names = files.map(([file]) => file);
    expect(names).toEqual(expect.arrayContaining([...LINT_ALONE.keys()]));
  });

  it.each(files)('agrees with lint: %s', (file, path) => {
    const text = readFileSync(path, 'utf8');
    const { plan, problems } = compileYaml(text);
    // What is no YAML no schema is asked about.
    if (plan === undefined && parseYamlTree(text).problems.length > 0) return;
    const fits = validate(parse(text));
    if (plan !== undefined) expect(validate.errors ?? []).toEqual([]);
    const told = problems.some(
      ({ severity, code }) => severity === 'error' && OF_ONE_PLACE.has(code),
    );
    if (told) expect({ file, fits }).toEqual({ file, fits: LINT_ALONE.has(file) });
  });

  it.each([
    '{ name: x, steps: [{ name: a, step_type: shell, config: {} }] }',
    '{ name: x, steps: [{ name: a, step_type: shell, config: { command: a, script: b } }] }',
    '{ name: x, steps: [{ run: a, when: success(), condition: success() }] }',
    '{ name: x, steps: [{ name: a, step_type: shell, config: { command: a }, when: a, condition: a }] }',
    '{ name: x, steps: [{ run: a, script: b }] }',
    '{ name: x, on_failure: [{ run: a, script: b }], steps: [a] }',
    '{ name: x, steps: [a], stages: [{ name: a, steps: [a] }] }',
    '{ name: x, repository: { url: https://a.example/b, branch: a, tag: b }, steps: [a] }',
    '{ name: x, repository: { url: https://a.example/b, branch: -a }, steps: [a] }',
    '{ name: x, triggers: [{ push: {}, tag: a }], steps: [a] }',
    '{ name: x, triggers: [{ trigger_type: schedule }], steps: [a] }',
    '{ name: x, triggers: [{ trigger_type: schedule, config: {} }], steps: [a] }',
    '{ name: x, triggers: [{ manual: { inputs: { a: { type: choice } } } }], steps: [a] }',
    '{ name: x, triggers: [{ manual: { inputs: { a: { type: string, options: [a] } } } }], steps: [a] }',
    '{ name: x, sidecars: { db: { image: a, ready: { interval: 1s } } }, steps: [a] }',
    '{ name: x, sidecars: { db: { image: a, ready: { exec: a, tcp: 1 } } }, steps: [a] }',
    '{ name: x, sidecars: { db: { image: a, port: 1, ports: 1 } }, steps: [a] }',
    '{ name: " x", steps: [a] }',
    '{ name: "x\\ty", steps: [a] }',
    '{ name: "x ${{ env.A }}", steps: [a] }',
    '{ name: __proto__, steps: [a] }',
    '{ name: x, stages: [{ name: always, steps: [a] }] }',
  ])('is not fitted by what lint refuses: %s', (text) => {
    expect(compileYaml(text).plan).toBeUndefined();
    expect(validate(parse(text))).toBe(false);
  });

  it.each([
    '{ name: x, triggers: [{ manual: { inputs: { a: { options: [a] } } } }], steps: [a] }',
    '{ name: x, triggers: [{ trigger_type: schedule, config: { cron_expression: "0 3 * * *" } }], steps: [a] }',
    '{ name: x, triggers: [push, { tag: a, x-note: b }], steps: [a] }',
    '{ name: x y-ü (1), stages: [{ name: always 1, steps: [a] }] }',
    '{ name: 1.10, steps: [a] }',
    '{ name: x, repository: { url: https://a.example/b, branch: "${{ inputs.a }}" }, triggers: [{ manual: { inputs: { a: null } } }], steps: [a] }',
  ])('is fitted by what lint takes: %s', (text) => {
    expect(compileYaml(text).plan).toBeDefined();
    expect(validate(parse(text))).toBe(true);
  });

  it('says what keys mean, and which values they take', () => {
    expect(schema).toMatchObject({
      properties: {
        timeout: { description: 'Of the whole execution' },
        stages: { type: 'array', items: { $ref: '#/definitions/stage' } },
      },
      definitions: {
        step: {
          title: 'A step',
          properties: {
            shell: { enum: ['sh', 'bash'] },
            image: { description: 'The step runs in a container of it' },
            condition: { description: 'The same as when.' },
          },
        },
      },
    });
  });
});
