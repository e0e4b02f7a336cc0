import { nameRecord } from '../../../common/values/name-record.js';
import { renderText } from '../../expression/render-text.js';
import { ownForm, type StepKind } from '../step-kind.js';
import { misplacedInCommands } from './misplaced-in-commands.js';
import { rustciShellForm } from './rustci-shell-form.js';
import { SHELL_KIND, SHELL_PROGRAMS, type ShellAction } from './shell-action.js';
import { shellCommands } from './shell-commands.js';
import type { ShellDraft } from './shell-draft.js';
import { shellKeys } from './shell-keys.js';

/** Runs commands in a shell, as a process in the workspace. */
export const shellKind: StepKind<ShellDraft, ShellAction> = {
  kind: SHELL_KIND,
  meaning: 'runs commands in one shell',
  ownForm: ownForm({
    keys: shellKeys,
    begunBy: ['run', 'script'],
    read: (values, { node, path }, context) => {
      const has = (key: string) => node.entries.some((entry) => entry.key === key);
      if (has('run') && has('script')) {
        context.error(
          'conflicting_keys',
          '"run" and "script" mean the same; both are given.',
          { path, offset: node.start },
          'Remove one',
        );
      }
      return {
        kind: SHELL_KIND,
        commands: values.run ?? values.script ?? [],
        shell: values.shell,
        separateStreams: values.separate_streams,
        workingDirectory: values.working_directory,
      } as const;
    },
  }),
  rustciForm: rustciShellForm,
  compile: (draft, defaults) => {
    const { separateStreams = defaults.separateStreams, ...rest } = draft;
    const shell = draft.shell ?? defaults.shell;
    return { ...rest, shell, ...(separateStreams && { separateStreams }) };
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
    summary: summaryOf(commands),
    commands,
    directory: workingDirectory,
  }),
  document: ({ commands, workingDirectory }) => ({
    step_type: 'shell',
    config: { command: commands.join('\n'), working_directory: workingDirectory },
  }),
};

/** The first line that does something, and how many follow. */
function summaryOf(commands: readonly string[]): string {
  const lines = commands.flatMap((command) => command.split('\n')).filter((line) => line.trim());
  const [first = ''] = lines;
  return lines.length > 1 ? `${first.trim()} (and ${lines.length - 1} more lines)` : first.trim();
}
