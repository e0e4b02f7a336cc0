import {
  continueOnError,
  gitFields,
  needs,
  outputs,
  retry,
  stepName,
  workspacePath,
} from './common-readers.js';
import type { ActionDefinition } from './definition.js';
import { environment } from './environment-reader.js';
import { template, whenExpression } from './expression-readers.js';
import type { YamlPath } from './problem.js';
import { fields, type FieldValues, type ReadContext, type Reader } from './reader.js';
import { choice, duration, text } from './value-readers.js';
import type { YamlMap } from './yaml-tree.js';

const GIT_TYPES = ['github', 'git_hub', 'gitlab', 'git_lab'] as const;
/** Types that never run here, with what does the same. */
const REFUSED_TYPES: Readonly<Record<string, string>> = {
  kubernetes: 'Use step_type: shell with kubectl or helm',
  aws: 'Use step_type: shell with the aws command',
  a_w_s: 'Use step_type: shell with the aws command',
  azure: 'Use step_type: shell with the az command',
  gcp: 'Use step_type: shell with the gcloud command',
  g_c_p: 'Use step_type: shell with the gcloud command',
};
const LATER_TYPES: Readonly<Record<string, string>> = {
  docker: 'steps in containers come later',
  custom: 'deployments and plugins come later',
};

const stepType = choice(
  [
    'shell',
    ...GIT_TYPES,
    'docker',
    'custom',
    'kubernetes',
    'aws',
    'a_w_s',
    'azure',
    'gcp',
    'g_c_p',
  ],
  {
    habits: {
      bash: 'shell',
      script: 'shell',
      run: 'shell',
      command: 'shell',
      git: 'github',
      k8s: 'kubernetes',
    },
  },
);

export const shellConfigTable = {
  name: 'the config of a shell step',
  fields: {
    command: template({ expects: 'a command' }),
    script: template({ expects: 'a script' }),
    working_directory: workspacePath,
    environment,
  },
  later: { image: 'steps in containers come later', docker: 'steps in containers come later' },
  habits: {
    run: 'Write command',
    commands: 'Write script: | with a line for each',
    env: 'Write environment',
  },
} as const;

export const gitConfigTable = {
  name: 'the config of a git step',
  fields: {
    repository_url: gitFields.url,
    branch: gitFields.branch,
    commit: gitFields.commit,
    working_directory: workspacePath,
    environment,
  },
  required: ['repository_url'],
  later: { credentials: 'the secret store comes later; put credentials into the URL' },
  habits: {
    url: 'Write repository_url',
    repository: 'Write repository_url',
    token: 'Put credentials into the URL: https://user:token@host/…',
    directory: 'Write working_directory',
  },
} as const;

interface SeedConfig {
  readonly command?: string;
  readonly script?: string;
  readonly working_directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly repository_url?: string;
  readonly branch?: string;
  readonly commit?: string;
}

/** `config` is read by `seedActionOf`, which knows the type; here it is only held. */
const config: Reader<{ values: SeedConfig }> = {
  expects: 'a map (config)',
  read: () => ({ values: {} }),
};

/** Keys of a step in the seed's form. */
export const seedStepTable = {
  name: 'a step with step_type',
  fields: {
    name: stepName,
    step_type: text({ expects: 'a step type' }),
    config,
    environment,
    needs,
    when: whenExpression,
    continue_on_error: continueOnError,
    timeout: duration(),
    retry,
    outputs,
  },
  required: ['name', 'step_type'],
  same: { condition: 'when' },
  habits: {
    run: 'Write it as config: { command: … }, or remove step_type and config',
    command: 'Move it into config',
    script: 'Move it into config',
    working_directory: 'Move it into config',
    image: 'Move it into config',
    retry_count: 'retry_count belongs to the stage or the pipeline; write retry: 2 here',
  },
} as const;

const shellConfig = fields(shellConfigTable);
const gitConfig = fields(gitConfigTable);
const NOTHING: ActionDefinition = { kind: 'shell', commands: [] };

/** What the step does; also puts the values of its `config` into `values`. Problems of type and config are told here. */
export function seedActionOf(
  node: YamlMap,
  values: FieldValues<(typeof seedStepTable)['fields']>,
  path: YamlPath,
  context: ReadContext,
): ActionDefinition {
  const typeEntry = node.entries.find((entry) => entry.key === 'step_type');
  const configEntry = node.entries.find((entry) => entry.key === 'config');
  if (typeEntry === undefined) return NOTHING;
  const at = { path: [...path, 'step_type'], offset: typeEntry.value.start };
  const type = stepType.read(typeEntry.value, at.path, context);
  if (type === undefined) return NOTHING;
  const refused = REFUSED_TYPES[type];
  if (refused !== undefined) {
    context.error('UnsupportedStepType', `Steps of type "${type}" are not supported.`, at, refused);
    return NOTHING;
  }
  const later = LATER_TYPES[type];
  if (later !== undefined) {
    const message = `Steps of type "${type}" are not supported yet: ${later}.`;
    context.error('not_yet_supported', message, at, 'Use step_type: shell until then');
    return NOTHING;
  }
  if (configEntry === undefined) {
    const hint =
      type === 'shell' ? 'Add config: { command: … }' : 'Add config: { repository_url: … }';
    context.error(
      'missing_key',
      'A step with step_type needs "config".',
      { path, offset: node.start },
      hint,
    );
    return NOTHING;
  }
  const reader: Reader<SeedConfig> = type === 'shell' ? shellConfig : gitConfig;
  const read = reader.read(configEntry.value, [...path, 'config'], context);
  if (read === undefined) return NOTHING;
  values.config = { values: read };
  const place = { path: [...path, 'config'], offset: configEntry.value.start };
  return type === 'shell' ? seedShell(read, configEntry.value, place, context) : seedGit(read);
}

function seedShell(
  values: SeedConfig,
  node: YamlMap['entries'][number]['value'],
  at: { path: YamlPath; offset: number },
  context: ReadContext,
): ActionDefinition {
  const keys = node.kind === 'map' ? node.entries.map((entry) => entry.key) : [];
  const hasCommand = keys.includes('command');
  const hasScript = keys.includes('script');
  if (hasCommand && hasScript) {
    const message = 'A shell step has "command" or "script", not both.';
    context.error('conflicting_keys', message, at, 'Put both into script');
  }
  if (!hasCommand && !hasScript) {
    context.error('missing_action', 'The step has nothing to do.', at, 'Add command: <command>');
  }
  const command = values.command ?? values.script;
  const workingDirectory = values.working_directory;
  return { kind: 'shell', commands: command === undefined ? [] : [command], workingDirectory };
}

function seedGit(values: SeedConfig): ActionDefinition {
  const { repository_url: url = '', branch, commit, working_directory: directory } = values;
  return { kind: 'git', repository: { url, branch, commit }, directory };
}
