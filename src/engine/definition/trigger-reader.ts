import { quoted } from '../../common/values/redact-urls.js';
import { valueOf } from '../../common/values/name-record.js';
import { cronProblem } from './cron.js';
import type { InputDefinition } from '../plan/input-definition.js';
import type { TriggerRule } from './definition.js';
import { inputs } from '../inputs/input-reader.js';
import { either } from '../yaml/json-schema.js';
import { fields, wrongType, type Reader } from '../yaml/reader.js';
import { butFor, namePatterns } from './name-patterns.js';
import { seedTriggerRule, seedTriggerSchema, seedTriggerTable } from './seed-trigger-reader.js';
import { advised, choice, flag, listOf, mapOr, mapped, text } from '../yaml/value-readers.js';
import type { YamlMap, YamlNode } from '../yaml/yaml-tree.js';

const MAX_RULES = 50;

/** In `exclude` a `!` takes back what those before it have left out. */
const patterns: Reader<string[]> = listOf(text({ expects: 'a pattern', max: 255, oneLine: true }), {
  max: 100,
  single: true,
});

const includedPaths = namePatterns(
  (pattern) => `Write paths: { exclude: [${inFlow(quoted(pattern, 60))}] }`,
);

export const cron: Reader<string> = text({
  expects: 'a schedule',
  max: 200,
  check: (value) => {
    const problem = cronProblem(value);
    return problem === undefined
      ? undefined
      : ['invalid_cron', problem, 'Write for example "0 3 * * *" for 03:00 every day'];
  },
});

const timezone: Reader<string> = text({
  expects: 'a time zone',
  max: 64,
  check: (value) =>
    isTimezone(value)
      ? undefined
      : [
          'unknown_timezone',
          `"${quoted(value, 60)}" is no time zone.`,
          'Write a name like Europe/Vienna or UTC',
        ],
});

export const pathsTable = {
  name: 'paths',
  fields: { include: includedPaths, exclude: patterns },
} as const;

export const manualTable = { name: 'manual', fields: { inputs } } as const;

const paths = mapOr(
  fields(pathsTable),
  mapped(includedPaths, (include): { include?: string[]; exclude?: string[] } => ({ include })),
);

/** Of rules for branches, whichever event it is. */
const BRANCH_HABITS = {
  branch: 'Write branches',
  'paths-ignore': 'Write paths: { exclude: [ … ] }',
  branch_patterns: 'Write branches',
} as const;

export const pushTable = {
  name: 'push',
  fields: { branches: namePatterns(butFor('branches', 'trigger.branch')), paths },
  habits: {
    ...BRANCH_HABITS,
    'branches-ignore':
      "Write branches with those that count; for all but one write when: trigger.branch != 'main' at the stages",
    tags: 'Write a rule of its own: - tag: "v*"',
    'tags-ignore': 'Write a rule of its own, with the tags that count: - tag: "v*"',
  },
} as const;

export const pullRequestTable = {
  name: 'pull_request',
  fields: {
    branches: namePatterns(butFor('branches', 'trigger.base.branch')),
    types: listOf(
      choice([
        'opened',
        'synchronize',
        'reopened',
        'ready_for_review',
        'closed',
        'labeled',
        'edited',
      ]),
      { single: true },
    ),
    forks: choice(['never', 'approval', 'run']),
    paths,
    draft: flag(),
  },
  habits: {
    ...BRANCH_HABITS,
    'branches-ignore':
      "Write branches with those that count; for all but one write when: trigger.base.branch != 'main' at the stages",
    events: 'Write types',
  },
} as const;

export const scheduleTable = {
  name: 'schedule',
  fields: { cron, timezone, catch_up: flag() },
  required: ['cron'],
  habits: { cron_expression: 'Write cron', tz: 'Write timezone' },
} as const;

export const webhookTable = { name: 'webhook', fields: {} } as const;

/** `- push: main` and `- push: true`. */
function branchesAdvice(event: string): (node: YamlNode) => string | undefined {
  return (node) => {
    if (node.kind === 'map' || (node.kind === 'scalar' && node.value === null)) return undefined;
    if (node.kind === 'scalar' && typeof node.value === 'boolean') return `Write - ${event}`;
    const names = (node.kind === 'list' ? node.items : [node]).flatMap((item) =>
      item.kind === 'scalar' && item.text !== '' ? [inFlow(quoted(item.text, 60))] : [],
    );
    const shown = names.length === 0 ? '…' : names.slice(0, 5).join(', ');
    return `Write - ${event}: { branches: [${shown}] }`;
  };
}

/** `- webhook: true`: the event alone says all. */
function bareAdvice(event: string): (node: YamlNode) => string | undefined {
  return (node) => (node.kind === 'map' ? undefined : `Write - ${event}`);
}

/** `- tag: {}` and `- tag:`. */
function tagAdvice(node: YamlNode): string | undefined {
  const isPattern = node.kind === 'list' || (node.kind === 'scalar' && node.value !== null);
  return isPattern ? undefined : 'Write - tag: "v*"';
}

/** `- schedule: "0 3 * * *"`, and the lists of other systems. */
function scheduleAdvice(node: YamlNode): string | undefined {
  if (node.kind === 'map') return undefined;
  const [first] = node.kind === 'list' ? node.items : [node];
  const only = first?.kind === 'map' ? first.entries.find(({ key }) => key === 'cron') : undefined;
  const written = only?.value ?? first;
  const text = written?.kind === 'scalar' ? written.text : '';
  const isCron = text.length <= 60 && cronProblem(text) === undefined;
  const example = isCron ? text : '0 3 * * *';
  const each = node.kind === 'list' && node.items.length > 1 ? ', one for each' : '';
  return `Write - schedule: { cron: "${example}" }${each}`;
}

/** A text as an item of a list in brackets. */
function inFlow(text: string): string {
  return /^[A-Za-z_][\w./-]*$/.test(text) ? text : JSON.stringify(text);
}

/** A reader for which nothing (`- push:`) is an empty map. */
function orNothing<T>(reader: Reader<T>, nothing: T): Reader<T> {
  return {
    expects: reader.expects,
    schema: either({ type: 'null' }, reader.schema),
    read: (node, path, context) =>
      node.kind === 'scalar' && node.value === null ? nothing : reader.read(node, path, context),
  };
}

interface ReadRule {
  readonly rule: TriggerRule;
  readonly inputs?: readonly InputDefinition[];
}

/** `edited` counts only where the base branch has changed. */
const DEFAULT_TYPES = ['opened', 'synchronize', 'reopened', 'ready_for_review', 'edited'];

/** The events of a rule; exactly one per item of the list. */
const eventFields = {
  manual: mapped(
    orNothing(advised(fields(manualTable), bareAdvice('manual')), {}),
    (values): ReadRule => ({
      rule: { event: 'manual' },
      inputs: values.inputs,
    }),
  ),
  push: mapped(
    orNothing(advised(fields(pushTable), branchesAdvice('push')), {}),
    (values): ReadRule => {
      const { branches = [], paths: { include = [], exclude = [] } = {} } = values;
      return { rule: { event: 'push', branches, include, exclude } };
    },
  ),
  pull_request: mapped(
    orNothing(advised(fields(pullRequestTable), branchesAdvice('pull_request')), {}),
    (values): ReadRule => {
      const { branches = [], types = DEFAULT_TYPES, forks, draft } = values;
      const { include = [], exclude = [] } = values.paths ?? {};
      return {
        rule: { event: 'pull_request', branches, types, forks, draft, include, exclude },
      };
    },
  ),
  tag: mapped(
    advised(namePatterns(butFor('tags', 'trigger.tag')), tagAdvice),
    (found): ReadRule => ({
      rule: { event: 'tag', patterns: found },
    }),
  ),
  schedule: mapped(advised(fields(scheduleTable), scheduleAdvice), (values): ReadRule => {
    const { cron: expression = '', timezone: zone = 'UTC', catch_up: catchUp } = values;
    return { rule: { event: 'schedule', cron: expression, timezone: zone, catchUp } };
  }),
  webhook: mapped(
    orNothing(advised(fields(webhookTable), bareAdvice('webhook')), {}),
    (): ReadRule => ({
      rule: { event: 'webhook', events: [] },
    }),
  ),
} as const;

export const triggerTable = {
  name: 'a trigger',
  fields: eventFields,
  groups: [
    {
      keys: Object.keys(eventFields),
      several: [
        'conflicting_keys',
        'An item of "triggers" has one event.',
        'Begin each event with its own "- "',
      ],
    },
  ],
  habits: {
    git_push: 'Write push, or trigger_type: git_push',
    workflow_dispatch: 'Write manual',
    cron: 'Write schedule: { cron: "0 3 * * *" }',
    branches: 'Write push: { branches: [ … ] }',
    merge_request: 'Write pull_request',
    config: 'config belongs to trigger_type',
    type: 'Write trigger_type',
    branch: 'Write push: { branches: [ … ] }',
    paths: 'Write push: { paths: [ … ] }',
    path: 'Write push: { paths: [ … ] }',
    inputs: 'Write manual: { inputs: … }',
    tags: 'Write tag: "v*"',
    ref: 'Write push: { branches: [ … ] }, or tag: "v*"',
    repository_dispatch: 'Write webhook',
    workflow_call: 'Write webhook',
    pr: 'Write pull_request',
  },
  adviceFor: (key: string, value: YamlNode) =>
    /^(event|events|on)$/.test(key) ? byEvent(value) : undefined,
} as const;

/** `event: push` of other systems: here the event is the key. */
function byEvent(value: YamlNode): string {
  const words = value.kind === 'list' ? value.items : [value];
  const named = words.flatMap((node) =>
    node.kind === 'scalar' ? [SHORT_RULES.get(node.text)] : [],
  );
  const rules = [...new Set(named)].filter((rule) => rule !== undefined);
  if (rules.length === 0) return `The event is the key: write one of - ${EVENTS.join(', - ')}`;
  return `Write ${rules.map((rule) => `- ${rule}`).join(', and ')}`;
}

/** How a rule for an event is written, by what the event is called here and elsewhere. */
const SHORT_RULES: ReadonlyMap<string, string> = new Map([
  ...['manual', 'push', 'pull_request', 'webhook'].map((event) => [event, event] as const),
  ...['workflow_dispatch', 'web', 'api'].map((event) => [event, 'manual'] as const),
  ...['merge_request', 'merge_request_event'].map((event) => [event, 'pull_request'] as const),
  ['git_push', 'push'],
  ['tag', 'tag: "v*"'],
  ['schedule', 'schedule: { cron: "0 3 * * *" }'],
  ['cron', 'schedule: { cron: "0 3 * * *" }'],
]);

const triggerFields = fields(triggerTable);
const seedFields = fields(seedTriggerTable);
const EVENTS = Object.keys(triggerTable.fields);

const RULE = `a trigger (one of ${EVENTS.join(', ')}, or trigger_type)`;

const ruleReader: Reader<ReadRule> = {
  expects: RULE,
  schema: either(
    { enum: EVENTS.filter((event) => takesNothing(event)) },
    { ...triggerFields.schema, minProperties: 1 },
    seedTriggerSchema,
  ),
  read: (node, path, context) => {
    if (node.kind === 'list' || (node.kind === 'scalar' && node.value === null)) {
      return wrongType(node, path, context, RULE);
    }
    const asMap: YamlMap = node.kind === 'map' ? node : emptyRule(node.text, node.start, node.end);
    const at = { path, offset: node.start };
    if (asMap.entries.some((entry) => entry.key === 'trigger_type')) {
      const rule = seedTriggerRule(seedFields.read(asMap, path, context), asMap, path, context);
      return rule === undefined ? undefined : { rule };
    }
    const values = triggerFields.read(asMap, path, context);
    if (asMap.entries.length === 0)
      context.error('missing_key', 'The trigger is empty.', at, `Write ${RULE}`);
    const [first] = Object.values(values ?? {});
    return first;
  },
};

function takesNothing(event: string): boolean {
  const { anyOf = [] } = valueOf<Reader<ReadRule>>(triggerTable.fields, event)?.schema ?? {};
  return anyOf.some(({ type }) => type === 'null');
}

/** `- push` is `- push:`. */
function emptyRule(key: string, start: number, end: number): YamlMap {
  const value = { kind: 'scalar', value: null, text: '', start: end, end } as const;
  return { kind: 'map', entries: [{ key, keyStart: start, value }], start, end };
}

export interface Triggers {
  readonly rules: readonly TriggerRule[];
  readonly inputs: readonly InputDefinition[];
}

/** `triggers: push`, or a map of events. */
const list = advised(listOf(ruleReader, { max: MAX_RULES }), (node) => {
  if (node.kind === 'map') {
    return `Begin each event with "- ": - ${quoted(node.entries[0]?.key ?? 'push', 60)}`;
  }
  const rule = node.kind === 'scalar' ? SHORT_RULES.get(node.text) : undefined;
  return rule && `Write [${rule.includes(':') ? `{ ${rule} }` : rule}]`;
});

/** `triggers`: a list, any of which starts the pipeline. At most one `manual`. */
export const triggers: Reader<Triggers> = {
  expects: list.expects,
  schema: list.schema,
  read: (node, path, context) => {
    const found = list.read(node, path, context);
    if (found === undefined) return undefined;
    if (found.filter(({ rule }) => rule.event === 'manual').length > 1) {
      const message = 'There is more than one manual trigger.';
      context.error(
        'duplicate_name',
        message,
        { path, offset: node.start },
        'Put all inputs into one',
      );
    }
    return {
      rules: found.map(({ rule }) => rule),
      inputs: found.flatMap((one) => one.inputs ?? []),
    };
  },
};

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
