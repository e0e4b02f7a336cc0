import { cronProblem } from './cron.js';
import type { TriggerRule } from './definition.js';
import type { YamlPath } from '../yaml/problem.js';
import { fields, type FieldValues, type ReadContext } from '../yaml/reader.js';
import { choice, listOf, text } from '../yaml/value-readers.js';
import type { YamlMap } from '../yaml/yaml-tree.js';

const texts = listOf(text({ max: 255, oneLine: true }), { max: 100, single: true });

export const seedTriggerConfigTable = {
  name: 'the config of a trigger',
  fields: {
    branch_patterns: texts,
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

/** The rule that a trigger of the seed's form means. */
export function seedTriggerRule(
  values: FieldValues<(typeof seedTriggerTable)['fields']> | undefined,
  node: YamlMap,
  path: YamlPath,
  context: ReadContext,
): TriggerRule | undefined {
  const { trigger_type: type, config = {} } = values ?? {};
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
      const isGiven = node.entries.some(
        ({ key, value }) =>
          key === 'config' &&
          value.kind === 'map' &&
          value.entries.some((entry) => entry.key === 'cron_expression'),
      );
      if (cron === undefined && !isGiven) {
        const hint = 'Add config: { cron_expression: "0 3 * * *" }';
        const at = { path, offset: node.start };
        context.error('missing_key', 'A schedule needs "cron_expression".', at, hint);
      }
      return cron === undefined ? undefined : { event: 'schedule', cron, timezone: 'UTC' };
    }
  }
}
