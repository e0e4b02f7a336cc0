import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileYaml } from '../compiler/compile-yaml.js';
import {
  backoffTable,
  exitCodeTable,
  repositoryTable,
  retryTable,
} from '../yaml/common-readers.js';
import { inputTable } from '../inputs/input-reader.js';
import { defaultsTable, pipelineTable, stageTable } from './pipeline-reader.js';
import type { FieldReaders, KeyTable } from '../yaml/reader.js';
import { artifactsFromTable } from '../artifacts/artifacts-from-reader.js';
import { artifactsTable } from '../artifacts/artifacts-reader.js';
import { reportsTable } from '../reports/report-settings.js';
import { deployTable } from '../steps/deploy/deploy-table.js';
import { onFailureTable, restartTable } from '../steps/deploy/program-readers.js';
import { gateTable, publishTable } from '../steps/deploy/published-reader.js';
import { permissionsTable } from '../steps/deploy/release-keys.js';
import { sshTable } from '../steps/deploy/ssh-reader.js';
import { partTable } from '../steps/deploy/unit-parts.js';
import { approvalTable } from '../steps/approval/approval-keys.js';
import { buildTable } from '../steps/build/build-keys.js';
import { rustciForms, stepKinds } from '../steps/step-kind-registry.js';
import { PIPELINE_MEANINGS, STAGE_MEANINGS, STEP_MEANINGS } from './key-meanings.js';
import { registryTable } from './registries-reader.js';
import { readyKeys, readyTable, sidecarKeys, sidecarTable } from './sidecars-reader.js';
import { rustciStepTable } from './rustci-step-reader.js';
import { seedTriggerConfigTable, seedTriggerTable } from './seed-trigger-reader.js';
import { hookTable, stepTable } from './step-reader.js';
import {
  manualTable,
  pathsTable,
  pullRequestTable,
  pushTable,
  scheduleTable,
  triggerTable,
  webhookTable,
} from './trigger-reader.js';

const root = join(__dirname, '../../..');
const docs = readFileSync(join(root, 'docs/pipeline-yaml.md'), 'utf8');

type SomeTable = Pick<KeyTable<FieldReaders>, 'name' | 'fields' | 'later' | 'habits'>;

const tables: readonly SomeTable[] = [
  ...[pipelineTable, defaultsTable, repositoryTable, stageTable, stepTable, hookTable],
  ...[retryTable, exitCodeTable, backoffTable, inputTable, triggerTable, manualTable, pushTable],
  ...[pathsTable, pullRequestTable, scheduleTable, webhookTable, seedTriggerTable],
  ...[
    buildTable,
    approvalTable,
    sidecarTable,
    readyTable,
    seedTriggerConfigTable,
    rustciStepTable,
    ...rustciForms.map(({ config }) => config),
  ],
];

/** Keys of steps that have a page of their own. */
const elsewhere: readonly (readonly [string, SomeTable])[] = [
  ['artifacts.md', artifactsTable],
  ['artifacts.md', artifactsFromTable],
  ['test-reports.md', reportsTable],
  ['containers.md', registryTable],
  ['deploying.md', deployTable],
  ['deploying.md', permissionsTable],
  ['deploying.md', partTable],
  ['deploying.md', sshTable],
  ['deploying.md', publishTable],
  ['deploying.md', gateTable],
  ['deploying.md', restartTable],
  ['deploying.md', onFailureTable],
];

describe('pages beside docs/pipeline-yaml.md', () => {
  it.each(elsewhere.map(([page, table]) => [page, table.name, table] as const))(
    '%s names every key of %s',
    (page, _name, { fields }) => {
      const text = readFileSync(join(root, 'docs', page), 'utf8');
      const isNamed = (key: string): boolean => new RegExp(`[\`.{ ]${key}[\`: ]`).test(text);
      expect(Object.keys(fields).filter((key) => !isNamed(key))).toEqual([]);
    },
  );
});

describe('docs/pipeline-yaml.md', () => {
  it.each(tables.map((table) => [table.name, table] as const))(
    'names every key of %s',
    (_name, table) => {
      const keys = [...Object.keys(table.fields), ...Object.keys(table.later ?? {})];
      const missing = keys.filter((key) => !new RegExp(`[\`.{ ]${key}[\`: ]`).test(docs));
      expect(missing).toEqual([]);
    },
  );

  it('has a row for each kind of step, and for each of its keys', () => {
    const rows = new Set(docs.split('\n').map((line) => line.replace(/ {2,}/g, ' ')));
    const kinds = stepKinds.map(({ kind, ownForm, rustciForm, meaning }) => {
      const own = (ownForm?.begunBy ?? []).map((key) => `\`${key}\``);
      const types = (rustciForm?.types ?? []).map((type) => `\`step_type: ${type}\``);
      return `| \`${kind}\` | ${[...own, ...types].join(', ')} | ${meaning} |`;
    });
    const keys = stepKinds.flatMap(({ ownForm }) =>
      Object.entries(ownForm?.keys ?? {})
        .filter(([, key], index, all) => all.findIndex(([, one]) => one === key) === index)
        .map(([name, key]) => `| \`${name}\` | ${key.value} | ${key.default} | ${key.meaning} |`),
    );
    const beside = [...Object.entries(sidecarKeys), ...Object.entries(readyKeys)].map(
      ([name, key]) => `| \`${name}\` | ${key.value} | ${key.default} | ${key.meaning} |`,
    );
    expect(kinds.length + keys.length).toBeGreaterThan(5);
    expect([...kinds, ...keys, ...beside].filter((row) => !rows.has(row))).toEqual([]);
  });

  it.each([
    ['Pipeline', PIPELINE_MEANINGS],
    ['Stage', STAGE_MEANINGS],
    ['Step', STEP_MEANINGS],
  ])('says of the keys of a %s what editors are told', (title, meanings) => {
    const [, section = ''] = docs.split(`\n## ${title}\n`);
    const rows = section.split('\n## ')[0]?.split('\n') ?? [];
    const different = Object.entries(meanings).filter(
      ([key, meaning]) =>
        !rows.some((row) => row.startsWith(`| \`${key}\``) && row.includes(meaning)),
    );
    expect(different).toEqual([]);
  });

  it('names every code that the engine gives', () => {
    const kinds = stepKinds.map(({ kind }) => `steps/${kind}`);
    const folders = ['definition', 'yaml', 'compiler', 'expression', ...kinds].map((name) =>
      join(root, 'src/engine', name),
    );
    const sources = folders.flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
        .map((file) => readFileSync(join(folder, file), 'utf8')),
    );
    const text = sources.join('\n');
    const calls =
      /(?:\.(?:error|warn|add|unknown|fail)|\brefuse|documentProblem|encodingProblem)\(\s*'([A-Za-z_]+)'/g;
    const codes = new Set([...text.matchAll(calls)].map((match) => match[1] ?? ''));
    for (const match of text.matchAll(/(?:code: |code = |return \[)'([A-Za-z_]+)'/g))
      codes.add(match[1] ?? '');
    for (const code of codes) if (!/_|^Unsupported/.test(code)) codes.delete(code);
    expect(codes.size).toBeGreaterThan(50);
    const ofInputs = ['missing_input', 'invalid_input'];
    const missing = [...codes].filter(
      (code) => !docs.includes(`\`${code}\``) && !ofInputs.includes(code),
    );
    expect(missing).toEqual([]);
  });

  it('has an example that compiles without a problem', () => {
    const example = /```yaml\n([^]*?)```/.exec(docs)?.[1];
    expect(compileYaml(example ?? '').problems).toEqual([]);
  });
});

describe('key tables', () => {
  it.each(
    [...tables, ...elsewhere.map(([, table]) => table)].map(
      (table) => [table.name, table] as const,
    ),
  )('%s has each key once', (_name, table) => {
    const known = new Set([...Object.keys(table.fields), ...Object.keys(table.later ?? {})]);
    expect(known.size).toBe(
      Object.keys(table.fields).length + Object.keys(table.later ?? {}).length,
    );
    expect(Object.keys(table.habits ?? {}).filter((key) => known.has(key))).toEqual([]);
  });

  const later = new Set(tables.flatMap((table) => Object.keys(table.later ?? {})));
  const known = new Set(tables.flatMap((table) => Object.keys(table.fields)));

  it.each(tables.map((table) => [table.name, table] as const))(
    '%s suggests no key of later',
    (_name, { habits = {} }) => {
      const words = Object.values(habits).flatMap((habit) => habit.match(/\w+/g) ?? []);
      expect(words.filter((word) => later.has(word) && !known.has(word))).toEqual([]);
    },
  );
});
