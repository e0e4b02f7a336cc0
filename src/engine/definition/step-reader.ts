import { mergedNames } from '../../common/values/name-record.js';
import type { Environment, RetryPlan } from '../plan/plan.js';
import {
  continueOnError,
  needs,
  outputs,
  retry,
  stepName,
  workspacePath,
} from './common-readers.js';
import type { ActionDefinition, NameUse, StepDefinition } from './definition.js';
import { environment } from './environment-reader.js';
import { template, whenExpression } from './expression-readers.js';
import type { YamlPath } from './problem.js';
import { fields, wrongType, type ReadContext, type Reader } from './reader.js';
import { seedActionOf, seedStepTable } from './seed-step-reader.js';
import { choice, duration, flag, listOf } from './value-readers.js';
import type { YamlMap, YamlNode } from './yaml-tree.js';

const MAX_COMMANDS = 200;
const SOON = {
  containers: 'steps in containers come later',
  deployments: 'deployments come later',
};

export const commands: Reader<string[]> = listOf(template({ expects: 'a command' }), {
  min: 1,
  max: MAX_COMMANDS,
  single: true,
});

export const shell = choice(['sh', 'bash'], {
  habits: { '/bin/sh': 'sh', '/bin/bash': 'bash', zsh: 'bash', dash: 'sh' },
});

/** Keys of a step in Millrace's form. */
export const stepTable = {
  name: 'a step',
  fields: {
    name: stepName,
    run: commands,
    script: commands,
    shell,
    separate_streams: flag(),
    working_directory: workspacePath,
    environment,
    needs,
    when: whenExpression,
    continue_on_error: continueOnError,
    timeout: duration(),
    retry,
    outputs,
  },
  same: { condition: 'when' },
  later: {
    image: SOON.containers,
    docker: SOON.containers,
    sidecars: SOON.containers,
    deploy: SOON.deployments,
    matrix: 'the matrix comes later',
    cache: 'caches come later',
    artifacts: 'artifacts come later',
    reports: 'reports come later',
    approval: 'approvals come later',
    secrets: 'the secret store comes later',
    interruptible: 'concurrency rules come later',
  },
  habits: {
    command: 'Write run',
    commands: 'Write run',
    cmd: 'Write run',
    env: 'Write environment',
    variables: 'Write environment',
    if: 'Write when',
    cwd: 'Write working_directory',
    dir: 'Write working_directory',
    workdir: 'Write working_directory',
    depends_on: 'Write needs',
    allow_failure: 'Write continue_on_error',
    ignore_errors: 'Write continue_on_error',
    retries: 'Write retry',
    retry_count: 'Write retry: 2 for a step; retry_count belongs to the pipeline',
    uses: 'There are no actions: write the commands in run',
    with: 'There are no actions: write the commands in run',
    steps: 'Steps are not nested: move them into a stage',
    parallel: 'parallel belongs to a stage',
    runs_on: 'runs_on belongs to the pipeline',
    type: 'Write step_type (with config), or run',
    id: 'Write name',
  },
} as const;

/** Keys of a step of `on_failure` and `always`: they run one after another, so nothing orders them. */
export const hookTable = {
  name: 'a hook',
  fields: {
    name: stepName,
    run: commands,
    script: commands,
    shell,
    separate_streams: flag(),
    working_directory: workspacePath,
    environment,
    when: whenExpression,
    continue_on_error: continueOnError,
    timeout: duration(),
    retry,
    outputs,
  },
  same: { condition: 'when' },
  later: stepTable.later,
  habits: {
    ...stepTable.habits,
    needs: 'Hooks run one after another, in the order of the text',
    webhook: 'Notifications come later; call curl in run',
  },
} as const;

const stepFields = fields(stepTable);
const hookFields = fields(hookTable);
const seedFields = fields(seedStepTable);

const STEP = 'a step (a map, or a command)';

/** A step as a draft: its name may be missing. */
type StepDraft = Omit<StepDefinition, 'name' | 'place'> & {
  readonly place?: NameUse;
  readonly start: number;
  readonly path: YamlPath;
};

/** The steps of a stage, of `on_failure` or of `always`. What cannot be read stays as an empty step, so that needs of it are no errors. */
export function stepsReader(kind: 'stage' | 'hook', min: number): Reader<StepDefinition[]> {
  const item: Reader<StepDraft> = {
    expects: STEP,
    read: (node, path, context) => readStep(kind, node, path, context),
  };
  const list = listOf(item, { min, max: 10_000 });
  return {
    expects: list.expects,
    read: (node, path, context) => {
      const drafts = list.read(node, path, context);
      return drafts === undefined ? undefined : withNames(drafts);
    },
  };
}

function readStep(
  kind: 'stage' | 'hook',
  node: YamlNode,
  path: YamlPath,
  context: ReadContext,
): StepDraft | undefined {
  if (node.kind === 'list') {
    return wrongType(node, path, context, STEP, 'Remove one "- ", or write run: [ … ]');
  }
  const base = { path, start: node.start };
  if (node.kind === 'scalar') {
    const found = commands.read(node, path, context) ?? [];
    return { ...base, ...settings({}), action: { kind: 'shell', commands: found } };
  }
  const keys = new Set(node.entries.map((entry) => entry.key));
  if (kind === 'stage' && (keys.has('step_type') || keys.has('config'))) {
    const values = seedFields.read(node, path, context) ?? {};
    const action = seedActionOf(node, values, path, context);
    const merged = mergedNames(values.environment, values.config?.values.environment);
    return { ...base, ...settings({ ...values, environment: merged }), action };
  }
  const values = (kind === 'hook' ? hookFields : stepFields).read(node, path, context) ?? {};
  return { ...base, ...settings(values), action: shellAction(node, values, path, context) };
}

interface StepValues {
  readonly name?: NameUse;
  readonly run?: string[];
  readonly script?: string[];
  readonly shell?: 'sh' | 'bash';
  readonly separate_streams?: boolean;
  readonly working_directory?: string;
  readonly environment?: Environment;
  readonly needs?: NameUse[];
  readonly when?: string;
  readonly continue_on_error?: boolean;
  readonly timeout?: number;
  readonly retry?: RetryPlan;
  readonly outputs?: string[];
}

function settings(values: StepValues): Omit<StepDraft, 'action' | 'path' | 'start'> {
  return {
    place: values.name,
    needs: values.needs,
    when: values.when,
    environment: values.environment ?? {},
    continueOnError: values.continue_on_error ?? false,
    timeoutMs: values.timeout,
    retry: values.retry,
    outputs: [...new Set(values.outputs)],
  };
}

function shellAction(
  node: YamlMap,
  values: StepValues,
  path: YamlPath,
  context: ReadContext,
): ActionDefinition {
  const has = (key: string) => node.entries.some((entry) => entry.key === key);
  const at = { path, offset: node.start };
  if (has('run') && has('script')) {
    context.error(
      'conflicting_keys',
      '"run" and "script" mean the same; both are given.',
      at,
      'Remove one',
    );
  }
  const isLater = Object.keys(stepTable.later).some((key) => has(key) && !SETTINGS_ONLY.has(key));
  const isMistyped = node.entries.some(({ key }) => /^(command|cmd|uses)/.test(key));
  if (!has('run') && !has('script') && !isLater && !isMistyped) {
    context.error('missing_action', 'The step has nothing to do.', at, 'Add run: <command>');
  }
  return {
    kind: 'shell',
    commands: values.run ?? values.script ?? [],
    shell: values.shell,
    separateStreams: values.separate_streams,
    workingDirectory: values.working_directory,
  };
}

/** Later keys that are no action of their own: a step with one of them still needs `run`. */
const SETTINGS_ONLY = new Set([
  'matrix',
  'cache',
  'artifacts',
  'reports',
  'secrets',
  'interruptible',
]);

function withNames(drafts: readonly StepDraft[]): StepDefinition[] {
  const taken = new Set(drafts.map((draft) => draft.place?.name));
  return drafts.map(({ place, start, path, ...draft }, index) => {
    if (place !== undefined) return { ...draft, name: place.name, place };
    let name = `step-${String(index + 1)}`;
    while (taken.has(name)) name += '-';
    return { ...draft, name, place: { name, path, offset: start } };
  });
}
