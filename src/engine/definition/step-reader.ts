import { hasName, mergedNames } from '../../common/values/name-record.js';
import { quoted } from '../../common/values/redact-urls.js';
import type { Environment, RetryPlan } from '../plan/plan.js';
import { commandStep, NO_COMMANDS } from '../steps/shell/command-step.js';
import {
  formsOf,
  kindOf,
  ownForms,
  ownKeyMeanings,
  ownKeyReaders,
} from '../steps/step-kind-registry.js';
import { command, COMMANDS_ONCE } from '../steps/shell/shell-keys.js';
import type { StepDraft, StepText } from '../steps/step-kind.js';
import {
  continueOnError,
  needs,
  outputs,
  retry,
  secrets,
  stepName,
} from '../yaml/common-readers.js';
import { environment } from '../yaml/environment-reader.js';
import { whenExpression } from '../yaml/expression-readers.js';
import { CONTAINER_HABITS, FOREIGN_HABITS, JOB_HABITS, MACHINE_HABITS } from '../yaml/habits.js';
import { either, type JsonSchema } from '../yaml/json-schema.js';
import { LATER } from '../yaml/later.js';
import type { YamlPath } from '../yaml/problem.js';
import { fields, wrongType, type NameUse, type ReadContext, type Reader } from '../yaml/reader.js';
import { isSplitCommand } from '../yaml/split-text.js';
import { advised, duration, listOf } from '../yaml/value-readers.js';
import type { YamlNode } from '../yaml/yaml-tree.js';
import type { ArtifactsPlan, ArtifactsSource } from '../plan/artifacts-plan.js';
import type { CachePlan } from '../plan/caches-plan.js';
import type { ReportsPlan } from '../plan/reports-plan.js';
import { artifactsFrom } from '../artifacts/artifacts-from-reader.js';
import { caches } from '../caches/cache-settings.js';
import { artifacts } from '../artifacts/artifacts-reader.js';
import { reports } from '../reports/report-settings.js';
import type { StepDefinition } from './definition.js';
import { STEP_MEANINGS } from './key-meanings.js';
import { rustciStep, rustciStepSchema, rustciStepTable } from './rustci-step-reader.js';

/** Keys of the kinds of steps. */
const KIND_KEYS = ownKeyReaders();

const MEANINGS = mergedNames(ownKeyMeanings(), STEP_MEANINGS);

/** Keys of a step in Millrace's form. */
export const stepTable = {
  name: 'a step',
  fields: {
    name: stepName,
    ...KIND_KEYS,
    environment,
    secrets,
    needs,
    when: whenExpression,
    continue_on_error: continueOnError,
    timeout: duration(),
    retry,
    outputs,
    cache: caches,
    artifacts,
    artifacts_from: artifactsFrom,
    reports,
  },
  same: { condition: 'when' },
  groups: [COMMANDS_ONCE],
  meanings: MEANINGS,
  later: {
    matrix: LATER.matrix,
    interruptible: LATER.concurrency,
    concurrency: LATER.concurrency,
    concurrency_group: LATER.concurrency,
    resource_group: LATER.concurrency,
  },
  adviceByValue: actionAdvice,
  habits: {
    ...FOREIGN_HABITS,
    ...MACHINE_HABITS,
    ...CONTAINER_HABITS,
    ...JOB_HABITS,
    bash: 'Write run, with shell: bash',
    pwsh: 'Write run: there is sh and bash',
    powershell: 'Write run: there is sh and bash',
    checkout:
      'Write repository at the top level: it is cloned before the first stage; a file of a connected repository needs none',
    block: 'Write approval',
    input: 'Write approval, with inputs',
    workingDirectory: 'Write working_directory',
    include: 'Files are not included: write it here, or as a pipeline of its own',
    group: 'Write a stage',
    key: 'Write name',
    command: 'Write run',
    commands: 'Write run',
    cmd: 'Write run',
    sh: 'Write run',
    env: 'Write environment',
    variables: 'Write environment',
    if: 'Write when',
    cwd: 'Write working_directory',
    dir: 'Write working_directory',
    directory: 'Write working_directory',
    workdir: 'Write working_directory',
    depends_on: 'Write needs',
    dependencies: 'Write needs for the order, and artifacts_from for files of other steps',
    expire_in: 'It belongs into artifacts: { paths: …, expire_in: … }',
    stage: 'A step stands in its stage: stages: [{ name: …, steps: [ … ] }]',
    tags: 'Write runs_on at the top level: labels of workers; tags of an image belong into build: { tags: … }',
    dockerfile: 'It belongs into build: { dockerfile: … }',
    push: 'It belongs into build: { tags: …, push: true }',
    registry: 'Write the host in front of the name of the image, and registries at the top level',
    allow_failure: 'Write continue_on_error',
    ignore_errors: 'Write continue_on_error',
    soft_fail: 'Write continue_on_error',
    failure: 'Write continue_on_error: true',
    'continue-on-error': 'Write continue_on_error',
    'working-directory': 'Write working_directory',
    mem: 'Write memory',
    artifact_paths: 'Write artifacts',
    store_artifacts: 'Write artifacts',
    store_test_results: 'Write reports: { junit: … }',
    save_cache: 'Write cache: it is restored before the step and saved after it',
    restore_cache: 'Write cache: it is restored before the step and saved after it',
    persist_to_workspace: 'Steps of an execution share the workspace: leave it out',
    attach_workspace: 'Steps of an execution share the workspace: leave it out',
    retries: 'Write retry',
    retry_count: 'Write retry: 2 for a step; retry_count belongs to the pipeline',
    steps: 'Steps are not nested: move them into a stage',
    parallel: 'parallel belongs to a stage',
    sidecars: 'sidecars belong to a stage or the pipeline',
    services: 'Write sidecars at its stage or the pipeline',
    type: 'Write step_type (with config), or run',
    id: 'Write name',
    branches: "Write when: trigger.branch == 'main'",
    inputs:
      'There are no tasks: write the commands in run; what people say stands in approval: { message: …, inputs: … }',
    publish: 'Write artifacts: dist; that of a deployment belongs into deploy',
    download: 'Write artifacts_from: build, the stage that left them',
  },
} as const;

/**
 * Keys of a step of `on_failure` and `always`: they run one after another, so nothing orders them.
 */
export const hookTable = {
  name: 'a hook',
  fields: {
    name: stepName,
    ...KIND_KEYS,
    environment,
    secrets,
    when: whenExpression,
    continue_on_error: continueOnError,
    timeout: duration(),
    retry,
    outputs,
    cache: caches,
    artifacts,
    artifacts_from: artifactsFrom,
    reports,
  },
  same: { condition: 'when' },
  groups: stepTable.groups,
  meanings: MEANINGS,
  later: stepTable.later,
  adviceByValue: actionAdvice,
  habits: {
    ...stepTable.habits,
    needs: 'Hooks run one after another, in the order of the text',
    webhook: 'Channels tell people of ends (docs/notifications.md), or call curl in run',
  },
} as const;

const stepFields = fields(stepTable);
const hookFields = fields(hookTable);
const rustciFields = fields(rustciStepTable);

const STEP = 'a step (a map, or a command)';

/** A step as a draft: its name may be missing. */
type NamedDraft = Omit<StepDefinition, 'name' | 'place'> & {
  readonly place?: NameUse;
  readonly start: number;
  readonly path: YamlPath;
};

/**
 * The steps of a stage, of `on_failure` or of `always`. What cannot be read stays as an empty step,
 * so that needs of it are no errors.
 */
export function stepsReader(kind: 'stage' | 'hook', min: number): Reader<StepDefinition[]> {
  const item: Reader<NamedDraft> = {
    expects: STEP,
    schema: stepSchema(kind),
    read: (node, path, context) => readStep(kind, node, path, context),
  };
  const list = advised(listOf(item, { min, max: 10_000 }), namedStepsAdvice);
  return {
    expects: list.expects,
    schema: list.schema,
    read: (node, path, context) => {
      const drafts = list.read(node, path, context);
      return drafts === undefined ? undefined : withNames(drafts);
    },
  };
}

/** A map of steps by their names. */
function namedStepsAdvice(node: YamlNode): string | undefined {
  const [first] = node.kind === 'map' ? node.entries : [];
  if (node.kind !== 'map' || first === undefined) return undefined;
  if (!node.entries.every(({ value }) => value.kind === 'map')) return undefined;
  return `Begin each step with its name: - name: ${quoted(first.key, 60)}`;
}

/** What stands here for actions of GitHub that all know. */
const ACTIONS: readonly (readonly [RegExp, string])[] = [
  [
    /^actions\/checkout\b/,
    'Write repository: <url> at the top level; nothing in a file of a connected repository, and for ./millrace run in a checkout',
  ],
  [/^actions\/cache\b/, 'Write cache at the step that needs it: cache: npm'],
  [/^actions\/upload-artifact\b/, 'Write artifacts at the step that makes the files'],
  [/^actions\/download-artifact\b/, 'Write artifacts_from at the step that needs the files'],
  [/^actions\/setup-\w+/, 'Write image (image: node:22), or path: see docs/toolchains.md'],
  [/^docker\/build-push-action\b/, 'Write build: { tags: …, push: true }'],
  [/^docker\/login-action\b/, 'Write registries at the top level'],
];

function actionAdvice(key: string, value: YamlNode): string | undefined {
  if (key !== 'uses' || value.kind !== 'scalar') return undefined;
  return ACTIONS.find(([pattern]) => pattern.test(value.text))?.[1];
}

/** A command, a map with what begins a kind of step, or, in stages, one of RustCI. */
function stepSchema(kind: 'stage' | 'hook'): JsonSchema {
  const own = kind === 'hook' ? hookFields : stepFields;
  const begun = ownForms.flatMap(({ begunBy }) => begunBy);
  const withAction = { ...own.schema, anyOf: begun.map((key) => ({ required: [key] })) };
  return either(command.schema, withAction, ...(kind === 'stage' ? [rustciStepSchema] : []));
}

function readStep(
  kind: 'stage' | 'hook',
  node: YamlNode,
  path: YamlPath,
  context: ReadContext,
): NamedDraft | undefined {
  if (node.kind === 'list') {
    return wrongType(node, path, context, STEP, 'Remove one "- ", or write run: [ … ]');
  }
  const base = { path, start: node.start };
  if (node.kind === 'scalar' || isSplitCommand(node)) {
    return { ...base, ...settings({}, commandStep(node, path, context)) };
  }
  const keys = new Set(node.entries.map((entry) => entry.key));
  if (kind === 'stage' && (keys.has('step_type') || keys.has('config'))) {
    const values = rustciFields.read(node, path, context) ?? {};
    const { draft, environment: ofConfig } = rustciStep(
      { node, path, name: values.name?.name, environment: values.environment },
      context,
    );
    const merged = mergedNames(values.environment, ofConfig);
    return { ...base, ...settings({ ...values, environment: merged }, draft) };
  }
  const values = (kind === 'hook' ? hookFields : stepFields).read(node, path, context) ?? {};
  return { ...base, ...settings(values, ownAction({ node, path }, values, context)) };
}

interface StepValues {
  readonly name?: NameUse;
  readonly environment?: Environment;
  readonly secrets?: NameUse[];
  readonly needs?: NameUse[];
  readonly when?: string;
  readonly continue_on_error?: boolean;
  readonly timeout?: number;
  readonly retry?: RetryPlan;
  readonly outputs?: string[];
  readonly cache?: CachePlan[];
  readonly artifacts?: ArtifactsPlan;
  readonly artifacts_from?: ArtifactsSource[];
  readonly reports?: ReportsPlan;
}

/** What the step says of itself, and what its kind adds. */
function settings(values: StepValues, action: StepDraft): Omit<NamedDraft, 'path' | 'start'> {
  const kind = kindOf(action);
  return {
    action,
    place: values.name,
    needs: values.needs,
    when: values.when,
    environment: values.environment ?? {},
    secrets: [...(values.secrets ?? []), ...(kind.secrets?.(action) ?? [])],
    continueOnError: values.continue_on_error ?? false,
    timeoutMs: values.timeout,
    retry: values.retry,
    outputs: [
      ...new Set([
        ...(values.outputs ?? []),
        ...(kind.outputs ?? []),
        ...(kind.setsOutputs?.(action) ?? []),
      ]),
    ],
    caches: values.cache,
    artifacts: values.artifacts,
    artifactsFrom: values.artifacts_from,
    reports: values.reports,
  };
}

/** What the step does, by the kind whose keys it has. */
function ownAction(
  step: StepText,
  values: Readonly<Record<string, unknown>>,
  context: ReadContext,
): StepDraft {
  const { node, path } = step;
  const at = { path, offset: node.start };
  const keys = node.entries.map((entry) => entry.key);
  const [form, other] = formsOf(keys);
  if (form === undefined) {
    const isLater = Object.keys(stepTable.later).some(
      (key) => keys.includes(key) && !SETTINGS_ONLY.has(key),
    );
    const isMistyped = keys.some((key) => /^(command|cmd|uses)/.test(key));
    if (!isLater && !isMistyped) {
      context.error('missing_action', 'The step has nothing to do.', at, 'Add run: <command>');
    }
    return NO_COMMANDS;
  }
  const foreign = keys.find((key) => hasName(KIND_KEYS, key) && !hasName(form.keys, key));
  if (foreign !== undefined) {
    const own = form.begunBy.find((key) => keys.includes(key)) ?? '';
    const message = `"${foreign}" is no key of a step with "${own}".`;
    const hint = other === undefined ? `Remove "${foreign}"` : 'Make two steps of it';
    context.error('conflicting_keys', message, at, hint);
  }
  return form.read(values, step, context);
}

/** Later keys that are no action of their own: a step with one of them still needs `run`. */
const SETTINGS_ONLY = new Set(['cache', 'artifacts', 'reports', ...Object.keys(stepTable.later)]);

function withNames(drafts: readonly NamedDraft[]): StepDefinition[] {
  const taken = new Set(drafts.map((draft) => draft.place?.name));
  return drafts.map(({ place, start, path, ...draft }, index) => {
    if (place !== undefined) return { ...draft, name: place.name, place };
    let name = `step-${String(index + 1)}`;
    while (taken.has(name)) name += '-';
    return { ...draft, name, place: { name, path, offset: start } };
  });
}
