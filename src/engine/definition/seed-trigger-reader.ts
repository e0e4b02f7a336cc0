import { cronProblem } from './cron.js';
import type { TriggerRule } from './definition.js';
import { butFor, namePatterns } from './name-patterns.js';
import type { YamlPath } from '../yaml/problem.js';
import { type JsonSchema, mapSchema, withRules } from '../yaml/json-schema.js';
import { fields, type FieldValues, type ReadContext } from '../yaml/reader.js';
import { choice, listOf, text } from '../yaml/value-readers.js';
import type { YamlMap } from '../yaml/yaml-tree.js';

const texts = listOf(text({ max: 255, oneLine: true }), { max: 100, single: true });

export const seedTriggerConfigTable = {
  name: 'the config of a trigger',
  fields: {
    branch_patterns: namePatterns(butFor('branches')),
    cron_expression: text({
      expects: 'a schedule',
      max: 200,
      check: (value) => {
        const problem = cronProblem(value);
        return problem === undefined
          ? undefined
          : ['invalid_cron', problem, 'Write for example "0 3 * * *" for 03:00 every day'];
      },
    }),
    repository: text({ max: 2048, oneLine: true }),
    events: texts,
    webhook_url: text({ max: 2048, oneLine: true }),
  },
  habits: { branches: 'Write branch_patterns', cron: 'Write cron_expression' },
} as const;

/** Keys of a trigger in the seed's form. */
export const seedTriggerTable = {
  name: 'a trigger with trigger_type',
  fields: {
    trigger_type: choice(['manual', 'webhook', 'schedule', 'git_push', 'pull_request'], {
      habits: { push: 'git_push', cron: 'schedule', merge_request: 'pull_request' },
    }),
    config: fields(seedTriggerConfigTable),
  },
  required: ['trigger_type'],
} as const;

type Values = FieldValues<(typeof seedTriggerTable)['fields']>;

/** Keys that `config` needs by the type of the trigger, with what is said where one is missing. */
const NEEDED: ReadonlyMap<Values['trigger_type'], NeededKey> = new Map([
  [
    'schedule',
    {
      key: 'cron_expression',
      message: 'A schedule needs "cron_expression".',
      hint: 'Add config: { cron_expression: "0 3 * * *" }',
    },
  ],
]);

interface NeededKey {
  readonly key: string;
  readonly message: string;
  readonly hint: string;
}

/** With the keys that `config` needs by its type. */
export const seedTriggerSchema: JsonSchema = withRules(
  mapSchema(seedTriggerTable),
  [...NEEDED].map(([type = '', { key }]) => ({
    if: { properties: { trigger_type: { enum: [type] } }, required: ['trigger_type'] },
    then: { properties: { config: { required: [key] } }, required: ['config'] },
  })),
);

/** The rule that a trigger of the seed's form means. */
export function seedTriggerRule(
  values: Values | undefined,
  node: YamlMap,
  path: YamlPath,
  context: ReadContext,
): TriggerRule | undefined {
  const { trigger_type: type, config = {} } = values ?? {};
  tellMissing(type, node, path, context);
  const { branch_patterns: branches = [], events = [], repository, webhook_url: url } = config;
  switch (type) {
    case undefined:
      return undefined;
    case 'manual':
      return { event: 'manual' };
    case 'webhook':
      return { event: 'webhook', url, events };
    case 'git_push':
      return { event: 'push', branches, include: [], exclude: [], repository };
    case 'pull_request': {
      const types = events.length > 0 ? events : ['opened', 'synchronize', 'reopened'];
      return {
        event: 'pull_request',
        branches,
        types,
        forks: 'approval',
        include: [],
        exclude: [],
        repository,
      };
    }
    case 'schedule': {
      const cron = config.cron_expression;
      return cron === undefined ? undefined : { event: 'schedule', cron, timezone: 'UTC' };
    }
  }
}

function tellMissing(
  type: Values['trigger_type'],
  node: YamlMap,
  path: YamlPath,
  context: ReadContext,
): void {
  const needed = NEEDED.get(type);
  const config = node.entries.find(({ key }) => key === 'config')?.value;
  const isGiven = config?.kind === 'map' && config.entries.some(({ key }) => key === needed?.key);
  if (needed === undefined || isGiven) return;
  context.error('missing_key', needed.message, { path, offset: node.start }, needed.hint);
}
