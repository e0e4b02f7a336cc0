import { artifactsTable } from '../artifacts/artifacts-reader.js';
import { artifactsFromTable } from '../artifacts/artifacts-from-reader.js';
import { compileYaml } from '../compiler/compile-yaml.js';
import { inputTable } from '../inputs/input-reader.js';
import { reportsTable } from '../reports/report-settings.js';
import { approvalTable } from '../steps/approval/approval-keys.js';
import { buildTable } from '../steps/build/build-keys.js';
import { deployTable } from '../steps/deploy/deploy-table.js';
import { rustciForms } from '../steps/step-kind-registry.js';
import { credentialsTable, repositoryTable, retryTable } from '../yaml/common-readers.js';
import { defaultsTable, pipelineTable, stageTable } from './pipeline-reader.js';
import { registryTable } from './registries-reader.js';
import { rustciStepTable } from './rustci-step-reader.js';
import { seedTriggerConfigTable, seedTriggerTable } from './seed-trigger-reader.js';
import { readyTable, sidecarTable } from './sidecars-reader.js';
import { hookTable, stepTable } from './step-reader.js';
import {
  pathsTable,
  pullRequestTable,
  pushTable,
  scheduleTable,
  triggerTable,
} from './trigger-reader.js';

interface SomeTable {
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly same?: Readonly<Record<string, string>>;
  readonly habits?: Readonly<Record<string, string>>;
}

const tables: readonly SomeTable[] = [
  ...[pipelineTable, defaultsTable, stageTable, stepTable, hookTable, rustciStepTable],
  ...[triggerTable, pushTable, pullRequestTable, scheduleTable, pathsTable, inputTable],
  ...[seedTriggerTable, seedTriggerConfigTable, sidecarTable, readyTable, registryTable],
  ...[repositoryTable, credentialsTable, retryTable, buildTable, approvalTable, deployTable],
  ...[artifactsTable, artifactsFromTable, reportsTable, ...rustciForms.map(({ config }) => config)],
];

const KNOWN = new Set(
  tables.flatMap(({ fields, same = {} }) => [...Object.keys(fields), ...Object.keys(same)]),
);

/** Each advice of the tables once, with the first word that has it. */
const advices: readonly (readonly [string, string])[] = [
  ...new Map(
    tables
      .flatMap(({ name, habits = {} }) =>
        Object.entries(habits).map(([word, advice]) => [advice, `${name}, ${word}`] as const),
      )
      .reverse(),
  ),
]
  .map(([advice, place]) => [place, advice] as const)
  .sort();

/** What `…` stands for, by the key before it. */
const FILLED: readonly (readonly [RegExp, string])[] = [
  [/(inputs: )…/g, '$1{ a: { type: string } }'],
  [/(message: |name: |service: )…/g, '$1shop'],
  [/((?:exclude|branches|steps|run): \[ )…/g, '$1make'],
  [/(username: |password: )…/g, '$1LOG_IN'],
  [/((?<!_)path: )…/g, '$1/srv/shop'],
  [/(cron: )…/g, '$1"0 3 * * *"'],
  [/(url: )…/g, '$1https://git.example/a.git'],
  [/(tags: )…/g, '$1acme/shop'],
  [/(dockerfile: )…/g, '$1Dockerfile'],
  [/(expire_in: )…/g, '$13d'],
  [/(platform: )…/g, '$1linux/amd64'],
  [/(roles: \[?)…/g, '$1admin'],
  [/(max: )…/g, '$15'],
  [
    /deploy: \{ environment: …/g,
    'deploy: { type: local_directory, service: a, path: /a, source: a, environment: b',
  ],
  [/<name of a secret>|<secret>/g, 'TOKEN'],
  [/…/g, 'make'],
];

const KEY = /(- )?\b([a-z][a-z_-]*): /g;
/** A text without marks, up to the end of its part of the sentence. */
const BARE = /^(?:[^;,:"{}[\]<]|:(?! ))+?(?=$|[;,}]| (?:at|for|here|with)\b)/;
/** A sentence behind the key, and not its value. */
const SENTENCE = /^(it|they|labels|there|write|what|later|whole|\|) ?/;

/** What an advice says to write, as YAML: `timeout: 10m`. */
function formsIn(advice: string): readonly string[] {
  const filled = FILLED.reduce((text, [sign, value]) => text.replace(sign, value), advice);
  const forms: string[] = [];
  let end = 0;
  for (const { 0: all, 1: dash = '', 2: key = '', index } of filled.matchAll(KEY)) {
    if (index < end || !KNOWN.has(key)) continue;
    const value = valueIn(filled.slice(index + all.length));
    if (value === '' || SENTENCE.test(value)) continue;
    end = index + all.length + value.length;
    forms.push(`${dash}${key}: ${value}`);
  }
  return forms;
}

/** The value at the beginning of a text; '' where there is none, or names of keys alone. */
function valueIn(text: string): string {
  if (text.startsWith('"')) return text.slice(0, text.indexOf('"', 1) + 1);
  if (!/^[{[]/.test(text)) return BARE.exec(text)?.[0] ?? '';
  let depth = 0;
  for (const [index, character] of [...text].entries()) {
    if (/[{[]/.test(character)) depth += 1;
    if (/[}\]]/.test(character)) depth -= 1;
    if (depth > 0) continue;
    const value = text.slice(0, index + 1);
    return value.startsWith('{') && !value.includes(':') ? '' : value;
  }
  return '';
}

/** Where a key may stand, the rest of the file around it. */
const PLACES: readonly ((form: string) => string)[] = [
  (form) => `{ name: x, ${form}, steps: [make] }`,
  (form) => `{ name: x, ${form} }`,
  (form) => `{ name: x, sidecars: { db: { image: a, port: 80, ${form} } }, steps: [make] }`,
  (form) => `{ name: x, sidecars: { db: { ${form} } }, steps: [make] }`,
  (form) => `{ name: x, stages: [{ name: a, ${form}, steps: [make] }] }`,
  (form) => `{ name: x, stages: [{ name: a, ${form} }] }`,
  (form) => `{ name: x, steps: [{ run: make, image: a, ${form} }] }`,
  (form) => `{ name: x, steps: [{ run: make, ${form} }] }`,
  (form) => `{ name: x, steps: [{ ${form} }] }`,
  (form) => `{ name: x, steps: [{ build: { ${form} } }] }`,
  (form) => `{ name: x, steps: [{ build: { tags: acme/a, ${form} } }] }`,
  (form) => `{ name: x, steps: [{ run: make, artifacts: { paths: a, ${form} } }] }`,
  (form) => `{ name: x, steps: [{ run: make, reports: { ${form} } }] }`,
  (form) => `{ name: x, steps: [{ approval: { message: Go?, ${form} } }] }`,
  (form) =>
    `{ name: x, steps: [{ deploy: { type: docker_container, service: a, image: a, port: 80, publish: 8080, ${form} } }] }`,
  (form) =>
    `{ name: x, steps: [{ deploy: { type: docker_container, service: a, image: a, port: 80, ${form} } }] }`,
  (form) => `{ name: x, steps: [{ name: a, ${form}, config: { command: make } }] }`,
  (form) => `{ name: x, steps: [{ name: a, step_type: shell, ${form} }] }`,
  (form) => `{ name: x, steps: [{ name: a, step_type: docker, ${form} }] }`,
  (form) => `{ name: x, steps: [{ name: a, ${form}, config: { image: a } }] }`,
  (form) =>
    `{ name: x, stages: [{ name: build, steps: [{ run: make, artifacts: a }] }, { name: a, steps: [{ run: make, ${form} }] }] }`,
  (form) => `{ name: x, defaults: { ${form} }, steps: [make] }`,
  (form) => `{ name: x, triggers: [{ ${form} }], steps: [make] }`,
  (form) => `{ name: x, triggers: [{ push: { ${form} } }], steps: [make] }`,
  (form) => `{ name: x, triggers: [{ manual: { inputs: { a: { ${form} } } } }], steps: [make] }`,
  (form) =>
    `{ name: x, triggers: [{ manual: { inputs: { a: { ${form}, options: [a] } } } }], steps: [make] }`,
  (form) => `{ name: x, triggers: [{ ${form}, config: {} }], steps: [make] }`,
  (form) => `{ name: x, repository: { url: https://git.example/a.git, ${form} }, steps: [make] }`,
];

function isTakenSomewhere(form: string): boolean {
  return PLACES.some((place) => compileYaml(place(form.replace(/^- /, ''))).problems.length === 0);
}

describe('what an advice says to write', () => {
  const forms = advices.flatMap(([place, advice]) =>
    formsIn(advice).map((form) => [form, place] as const),
  );

  it('is held to many', () => expect(forms.length).toBeGreaterThan(60));

  it.each(forms)('%s is taken by lint (%s)', (form) => {
    expect({ form, isTaken: isTakenSomewhere(form) }).toEqual({ form, isTaken: true });
  });

  it('is refused where it is wrong', () => {
    expect(formsIn('Write timeout: soon; or retry: { on: … }')).toEqual([
      'timeout: soon',
      'retry: { on: make }',
    ]);
    expect(['timeout: soon', 'retry: { on: make }'].filter(isTakenSomewhere)).toEqual([]);
  });
});

/** Words after `Write` that are no keys. */
const PROSE = new Set(['a', 'it', 'its', 'them', 'the', 'your']);

it.each(advices)('%s: %s names keys that there are', (_place, advice) => {
  const words = [...advice.matchAll(/\b[Ww]rite (?:- )?([a-z_]+)/g)].map(([, word = '']) => word);
  expect(words.filter((word) => !KNOWN.has(word) && !PROSE.has(word))).toEqual([]);
});
