import { workspacePath } from '../../yaml/common-readers.js';
import { environment } from '../../yaml/environment-reader.js';
import { template } from '../../yaml/expression-readers.js';
import { fields } from '../../yaml/reader.js';
import type { RustciForm } from '../step-kind.js';
import { SHELL_KIND } from './shell-action.js';
import type { ShellDraft } from './shell-draft.js';

const config = {
  name: 'the config of a shell step',
  fields: {
    command: template({ expects: 'a command' }),
    script: template({ expects: 'a script' }),
    working_directory: workspacePath,
    environment,
  },
  groups: [
    {
      keys: ['command', 'script'],
      none: ['missing_action', 'The step has nothing to do.', 'Add command: <command>'],
      several: [
        'conflicting_keys',
        'A shell step has "command" or "script", not both.',
        'Put both into script',
      ],
    },
  ],
  habits: {
    run: 'Write command',
    commands: 'Write script: | with a line for each',
    env: 'Write environment',
    image: 'Write step_type: docker',
    docker: 'Write step_type: docker',
  },
} as const;

const reader = fields(config);

export const rustciShellForm: RustciForm<ShellDraft> = {
  types: ['shell'],
  habits: { bash: 'shell', script: 'shell', run: 'shell', command: 'shell' },
  configHint: 'Add config: { command: … }',
  config,
  read: (node, path, context) => {
    const values = reader.read(node, path, context);
    if (values === undefined) return undefined;
    const command = values.command ?? values.script;
    const draft: ShellDraft = {
      kind: SHELL_KIND,
      commands: command === undefined ? [] : [command],
      workingDirectory: values.working_directory,
    };
    return { draft, environment: values.environment };
  },
};
