import { nearestName } from '../expression/nearest-name.js';
import { quoted } from '../../common/values/redact-urls.js';
import {
  labels,
  name,
  needs,
  repository,
  retryCount,
  secrets,
  stageName,
} from '../yaml/common-readers.js';
import { sidecars } from './sidecars-reader.js';
import { searchFolders } from '../yaml/search-folders.js';
import { separateStreams, shell, shellKeys } from '../steps/shell/shell-keys.js';
import type { ApprovalAction } from '../steps/approval/approval-action.js';
import { approvalReader } from '../steps/approval/approval-keys.js';
import { containerKeys, settingsOf } from '../steps/container/container-keys.js';
import { meaningsOf, readersOf } from '../steps/step-kind.js';
import type { PipelineDefinition, StageDefinition } from './definition.js';
import { environment } from '../yaml/environment-reader.js';
import { whenExpression } from '../yaml/expression-readers.js';
import {
  CONTAINER_HABITS,
  FOREIGN_HABITS,
  JOB_HABITS,
  LABELS_OF_WORKERS,
  MACHINE_HABITS,
  STEP_ONLY_HABITS,
} from '../yaml/habits.js';
import { either, type JsonSchema } from '../yaml/json-schema.js';
import { LATER } from '../yaml/later.js';
import type { YamlPath } from '../yaml/problem.js';
import {
  type FieldReaders,
  fields,
  type KeyTable,
  type ReadContext,
  type Reader,
  wrongType,
} from '../yaml/reader.js';
import { foreignFile } from './foreign-file.js';
import { PIPELINE_MEANINGS, STAGE_MEANINGS } from './key-meanings.js';
import { registries } from './registries-reader.js';
import { stepsReader } from './step-reader.js';
import { withStageApproval } from './stage-approval.js';
import { triggers } from './trigger-reader.js';
import { warnOfForeignVariables } from './variable-warnings.js';
import { advised, duration, flag, integer, listOf, text } from '../yaml/value-readers.js';
import type { YamlMap, YamlNode } from '../yaml/yaml-tree.js';

const DEFAULT_TIMEOUT_MS = 3_600_000;
const MAX_STAGES = 1000;

/** Readers of the keys by which steps run in containers. */
const CONTAINER_KEYS = readersOf(containerKeys);

const onOff = flag('true, false or a number');

/** `parallel: true`, or a number: at most so many at once. */
const parallel: Reader<boolean | number> = {
  expects: 'true, false or a number',
  schema: either(onOff.schema, { type: 'integer', minimum: 1, maximum: 1000 }),
  read: (node, path, context) =>
    node.kind === 'scalar' && typeof node.value === 'number'
      ? integer(1, 1000).read(node, path, context)
      : onOff.read(node, path, context),
};

/** Keys of a stage, in both forms. */
export const stageTable = {
  name: 'a stage',
  fields: {
    name: stageName,
    steps: stepsReader('stage', 1),
    approval: approvalReader,
    needs,
    when: whenExpression,
    parallel,
    environment,
    path: searchFolders,
    secrets,
    timeout: duration(),
    retry_count: retryCount,
    sidecars,
    ...CONTAINER_KEYS,
  },
  required: ['name', 'steps'],
  meanings: { ...meaningsOf(containerKeys), ...STAGE_MEANINGS },
  same: { condition: 'when' },
  later: {
    matrix: LATER.matrix,
    concurrency: LATER.concurrency,
    resource_group: LATER.concurrency,
  },
  habits: {
    ...FOREIGN_HABITS,
    ...MACHINE_HABITS,
    ...CONTAINER_HABITS,
    ...JOB_HABITS,
    ...STEP_ONLY_HABITS,
    tags: MACHINE_HABITS.machine,
    stage: 'Write name',
    job: 'Write name',
    include: 'Files are not included: write it here, or as a pipeline of its own',
    dependencies: 'Write needs',
    run: 'Put it into a step: steps: [{ run: … }]',
    script: 'Put it into a step: steps: [{ run: … }]',
    jobs: 'Write steps',
    env: 'Write environment',
    variables: 'Write environment',
    if: 'Write when',
    depends_on: 'Write needs',
    retry: 'retry belongs to a step; write retry_count for the default of a stage',
    continue_on_error: 'continue_on_error belongs to a step',
    working_directory: 'working_directory belongs to a step',
    services: 'Write sidecars',
    defaults: 'defaults stand at the top level; image and other keys of containers may stand here',
    shell: 'shell belongs to a step, or to defaults at the top level',
    interruptible: 'Write supersede: true at the top level',
    branches: "Write when: trigger.branch == 'main'",
  },
} as const;

export const defaultsTable = {
  name: 'defaults',
  fields: { shell, separate_streams: separateStreams, ...CONTAINER_KEYS },
  meanings: meaningsOf({ ...shellKeys, ...containerKeys }),
  later: {
    interruptible: LATER.concurrency,
  },
  habits: {
    ...CONTAINER_HABITS,
    ...JOB_HABITS,
    ...STEP_ONLY_HABITS,
    services: 'Write sidecars at the top level',
    sidecars: 'Write sidecars at the top level',
    environment: 'Write environment at the top level',
    path: 'Write path at the top level',
    timeout: 'Write timeout at the top level',
    retry: 'Write retry_count at the top level',
    tags: 'Write runs_on at the top level: labels of workers',
    run: 'Write its keys without it: shell: bash',
    working_directory: 'working_directory belongs to a step',
    'working-directory': 'working_directory belongs to a step',
  },
} as const;

export const supersedeTable = {
  name: 'supersede',
  fields: { running: flag() },
} as const;

const superseding = flag('true, false or a map (running)');
const supersedeFields = fields(supersedeTable);

/** `supersede: true`, or which executions it spares. */
const supersede: Reader<'all' | 'waiting' | undefined> = {
  expects: 'true, false or a map (running)',
  schema: either(superseding.schema, supersedeFields.schema),
  read: (node, path, context) => {
    if (node.kind !== 'map') {
      return superseding.read(node, path, context) === true ? 'all' : undefined;
    }
    return supersedeFields.read(node, path, context)?.running === false ? 'waiting' : 'all';
  },
};

/** Keys of a pipeline, in both forms. */
export const pipelineTable = {
  name: 'a pipeline',
  fields: {
    name,
    description: text({ min: 0, max: 10_000 }),
    repository,
    triggers,
    environment,
    path: searchFolders,
    secrets,
    registries,
    sidecars,
    timeout: duration(),
    retry_count: retryCount,
    resume: flag(),
    supersede,
    runs_on: labels,
    defaults: fields(defaultsTable),
    stages: stagesReader(),
    steps: stepsReader('stage', 1),
    on_failure: stepsReader('hook', 0),
    always: stepsReader('hook', 0),
  },
  required: ['name'],
  groups: [
    {
      keys: ['stages', 'steps'],
      several: [
        'conflicting_keys',
        'A pipeline has "stages" or "steps", not both.',
        'Move the steps into a stage',
      ],
    },
  ],
  meanings: PIPELINE_MEANINGS,
  later: {
    matrix: LATER.matrix,
    concurrency: LATER.concurrency,
  },
  habits: {
    ...FOREIGN_HABITS,
    ...CONTAINER_HABITS,
    ...JOB_HABITS,
    ...STEP_ONLY_HABITS,
    'runs-on': LABELS_OF_WORKERS,
    pool: LABELS_OF_WORKERS,
    agents: LABELS_OF_WORKERS,
    platform: 'Write defaults: { platform: … }, or runs_on for the machine',
    workflow: 'Write triggers',
    workflows: 'Write stages, with needs',
    orbs: 'There are no orbs: write the commands in run',
    executors: 'Write defaults: { image: … }',
    parameters: 'Write triggers: [{ manual: { inputs: … } }]',
    inputs: 'Write triggers: [{ manual: { inputs: … } }]',
    pr: 'Write triggers: [pull_request]',
    schedules: 'Write triggers: [{ schedule: { cron: … } }]',
    cron: 'Write triggers: [{ schedule: { cron: … } }]',
    resources: 'Write repository',
    kind: 'Remove it: stages or steps say what the pipeline is',
    image: 'Write defaults: { image: … }',
    container: 'Write defaults: { image: … }',
    docker: 'Write defaults: { image: … }',
    default: 'Write defaults',
    needs: 'needs belong to a stage or a step',
    depends_on: 'Write needs at a stage or a step',
    dependencies: 'Write needs at a stage or a step',
    tags: LABELS_OF_WORKERS,
    labels: LABELS_OF_WORKERS,
    when: 'Write triggers for the events, and when at a stage or a step',
    clone: 'Write repository',
    include: 'Files are not included: write it here, or as a pipeline of its own',
    services: 'Write sidecars',
    registry: 'Write registries',
    on: 'Write triggers',
    trigger: 'Write triggers',
    jobs: 'Write stages',
    stage: 'Write stages',
    env: 'Write environment',
    variables: 'Write environment',
    repo: 'Write repository',
    branch: 'Write repository: { url: …, branch: … }',
    retry: 'Write retry_count',
    resumable: 'Write resume',
    keep: 'Write resume',
    cancel_previous: 'Write supersede',
    interruptible: 'Write supersede',
    finally: 'Write always',
    run: 'Write steps: [{ run: … }]',
    script: 'Write steps: [{ run: … }]',
    version: 'Remove it: the format has no version',
    type: 'Remove it: stages or steps say what the pipeline is',
    pipeline: 'Remove it: what stands in it stands at the top level',
    commands: 'Write steps: [{ run: … }]',
    shell: 'Write defaults: { shell: bash }',
    branches: 'Write triggers: [{ push: { branches: [ … ] } }]',
    'run-name': 'Remove it: an execution has a number, and no name',
    image_pull_secrets: 'Write registries: { ghcr.io: { username: …, password: … } }, of secrets',
    skip_clone:
      'Remove it: without repository nothing is cloned; only a file of a connected repository needs none',
    node: LABELS_OF_WORKERS,
    pages:
      'Write a stage, whose step has deploy: { type: local_directory, service: …, path: …, source: … }',
  },
  adviceByValue: sharedAdvice,
  adviceFor: (key, value) =>
    isJob(value) && nearestName(key, ['defaults']) === undefined
      ? `Write it as a stage: stages: [{ name: ${shown(key)}, steps: [ … ] }]`
      : undefined,
} as const satisfies KeyTable<FieldReaders>;

/** Keys by which other systems say what a job of the top level does. */
const JOB_KEYS = new Set(['script', 'run', 'steps', 'stage', 'image', 'extends', 'trigger']);

function isJob(node: YamlNode): boolean {
  return node.kind === 'map' && node.entries.some(({ key }) => JOB_KEYS.has(key));
}

/** What other systems keep for later use by anchors, and for nothing else. */
function sharedAdvice(key: string, value: YamlNode): string | undefined {
  if (key === 'variables' && value.kind !== 'scalar' && !isEnvironment(value)) {
    return 'Write x-variables: what begins with x- is for anchors alone; environment is for variables';
  }
  if (!/^\.[\w-]/.test(key)) return undefined;
  const name = quoted(key.slice(1), 60);
  return `Write x-${name}: &${name} …, and *${name} where it is used`;
}

/** A map of texts, or a list of `NAME=value`. */
function isEnvironment(node: YamlNode): boolean {
  if (node.kind === 'map') return node.entries.every(({ value }) => value.kind === 'scalar');
  const items = node.kind === 'list' ? node.items : [];
  return items.every((item) => item.kind === 'scalar' && item.text.includes('='));
}

/** A name as it stands in a list of maps of one line. */
function shown(key: string): string {
  const text = quoted(key, 60);
  return /^[A-Za-z_][\w-]*$/.test(text) ? text : JSON.stringify(text);
}

const pipelineFields = fields(pipelineTable);

/** What a JSON Schema can say of a pipeline. */
export const pipelineSchema: JsonSchema = {
  ...pipelineFields.schema,
  anyOf: [{ required: ['stages'] }, { required: ['steps'] }],
};

/**
 * Reads the root of a document. The answer is a draft when there were errors: parts that could not
 * be read are missing.
 */
export function readPipeline(root: YamlNode, context: ReadContext): PipelineDefinition | undefined {
  if (root.kind !== 'map') {
    return wrongType(root, [], context, 'a map (a pipeline)', 'Begin with name: and stages:');
  }
  tellForeign(root, context);
  const values = pipelineFields.read(root, [], context);
  warnOfForeignVariables(root, context);
  if (values === undefined) return undefined;
  const has = (key: string) => root.entries.some((entry) => entry.key === key);
  const at = { path: [], offset: root.start };
  if (!has('stages') && !has('steps') && !has('jobs') && !has('stage')) {
    context.error('missing_key', 'A pipeline needs "stages".', at, 'Add stages: with at least one');
  }
  return {
    name: values.name ?? '',
    description: values.description,
    repository: values.repository,
    triggers: values.triggers?.rules ?? [{ event: 'manual' }],
    inputs: values.triggers?.inputs ?? [],
    environment: values.environment ?? {},
    secrets: values.secrets ?? [],
    registries: values.registries ?? [],
    sidecars: values.sidecars ?? [],
    timeoutMs: values.timeout ?? DEFAULT_TIMEOUT_MS,
    retryCount: values.retry_count ?? 0,
    resume: values.resume ?? false,
    supersede: values.supersede,
    runsOn: [...new Set(values.runs_on)].sort(),
    shell: values.defaults?.shell ?? 'sh',
    separateStreams: values.defaults?.separate_streams ?? false,
    container: settingsOf(values.defaults ?? {}),
    path: values.path ?? [],
    stages: values.stages ?? shortStages(values.steps, root),
    onFailure: values.on_failure ?? [],
    always: values.always ?? [],
    expressions: context.expressions,
    source: context.source,
  };
}

/** Before all else: what is wrong with its keys follows from it. */
export function tellForeign(root: YamlMap, context: ReadContext): void {
  const foreign = foreignFile(root);
  if (foreign === undefined) return;
  const message = `This is ${foreign.file}, and no pipeline of Millrace.`;
  const hint = `Begin with name: and stages: (docs/pipeline-yaml.md); ${foreign.here}`;
  context.error('foreign_file', message, { path: [], offset: 0 }, hint);
}

/** `steps` without stages is one stage named `main`. */
function shortStages(
  steps: StageDefinition['steps'] | undefined,
  root: YamlNode,
): StageDefinition[] {
  if (steps === undefined) return [];
  const place = { name: 'main', path: ['steps'], offset: root.start };
  return [
    {
      ...{ name: 'main', place, environment: {}, secrets: [], parallel: false },
      ...{ container: {}, path: [], sidecars: [], steps },
    },
  ];
}

/** With the one that its `approval` stands for. */
function stepsOf(
  values: {
    readonly steps?: StageDefinition['steps'];
    readonly approval?: ApprovalAction;
    readonly parallel?: boolean | number;
  },
  node: YamlNode,
  path: YamlPath,
): StageDefinition['steps'] {
  const { steps = [], approval, parallel: isParallel = false } = values;
  if (approval === undefined || steps.length === 0) return steps;
  const entries = node.kind === 'map' ? node.entries : [];
  const offset = entries.find(({ key }) => key === 'approval')?.keyStart ?? node.start;
  const place = { path: [...path, 'approval'], offset };
  return withStageApproval(approval, steps, place, isParallel === false);
}

function stagesReader(): Reader<StageDefinition[]> {
  const settings = fields(stageTable);
  const read = (node: YamlNode, path: YamlPath, context: ReadContext) => {
    const values = settings.read(node, path, context);
    if (values === undefined) return undefined;
    const place = values.name ?? { name: '', path, offset: node.start };
    return {
      name: place.name,
      place: { ...place, path },
      needs: values.needs,
      when: values.when,
      environment: values.environment ?? {},
      secrets: values.secrets ?? [],
      timeoutMs: values.timeout,
      parallel: values.parallel ?? false,
      retryCount: values.retry_count,
      container: settingsOf(values),
      path: values.path ?? [],
      sidecars: values.sidecars ?? [],
      steps: stepsOf(values, node, path),
    };
  };
  const item: Reader<StageDefinition> = {
    ...{ expects: 'a stage (a map)', schema: settings.schema },
    read,
  };
  return listOf(advised(item, stageByName), { min: 1, max: MAX_STAGES });
}

/** `stages: [build, test]` names stages whose jobs stand elsewhere: here they stand in them. */
function stageByName(node: YamlNode): string | undefined {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') return undefined;
  return `Write { name: ${shown(node.text)}, steps: [ … ] }`;
}
