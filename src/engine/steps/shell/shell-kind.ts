import { nameRecord } from '../../../common/values/name-record.js';
import { renderText } from '../../expression/render-text.js';
import { ownForm, type StepKind } from '../step-kind.js';
import { commandsSummary } from './commands-summary.js';
import { misplacedInCommands } from './misplaced-in-commands.js';
import { rustciShellForm } from './rustci-shell-form.js';
import { SHELL_KIND, SHELL_PROGRAMS, type ShellAction } from './shell-action.js';
import { shellCommands } from './shell-commands.js';
import type { ShellDraft } from './shell-draft.js';
import { searchedFolders } from './searched-folders.js';
import { readCommands, shellKeys } from './shell-keys.js';

/** Runs commands in a shell, as a process in the workspace. */
export const shellKind: StepKind<ShellDraft, ShellAction> = {
  kind: SHELL_KIND,
  meaning: 'runs commands in one shell',
  ownForm: ownForm({
    keys: shellKeys,
    begunBy: ['run', 'script'],
    read: (values) => ({
      kind: SHELL_KIND,
      ...readCommands(values),
    }),
  }),
  rustciForm: rustciShellForm,
  compile: (draft, defaults) => {
    const { separateStreams = defaults.separateStreams, path, ...rest } = draft;
    const shell = draft.shell ?? defaults.shell;
    return {
      ...rest,
      shell,
      ...(separateStreams && { separateStreams }),
      ...searchedFolders(path, defaults.path),
    };
  },
  misplaced: (draft, defaults, uses) =>
    misplacedInCommands(draft.commands, draft.shell ?? defaults.shell, uses),
  prepare: (action, scope) => {
    const { commands, variables } = shellCommands(action.commands, action.shell, scope);
    const { workingDirectory } = action;
    return {
      action: {
        ...action,
        commands,
        ...(workingDirectory !== undefined && {
          workingDirectory: renderText(workingDirectory, scope),
        }),
      },
      variables: nameRecord(Object.entries(variables)),
    };
  },
  variables: ({ shell }) => ({ SHELL: SHELL_PROGRAMS[shell] }),
  view: ({ commands, workingDirectory }) => ({
    summary: commandsSummary(commands),
    commands,
    directory: workingDirectory,
  }),
  document: ({ commands, workingDirectory }) => ({
    step_type: 'shell',
    config: { command: commands.join('\n'), working_directory: workingDirectory },
  }),
};
