import { nameRecord } from '../../../common/values/name-record.js';
import { renderText } from '../../expression/render-text.js';
import type { Scope } from '../../expression/scope.js';
import { SHELL_KIND } from '../shell/shell-action.js';
import { misplacedInCommands } from '../shell/misplaced-in-commands.js';
import { shellCommands } from '../shell/shell-commands.js';
import type { ShellDraft } from '../shell/shell-draft.js';
import { searchedFolders } from '../shell/searched-folders.js';
import { readCommands, shellKeys } from '../shell/shell-keys.js';
import { commandsSummary } from '../shell/commands-summary.js';
import { ownForm, type StepDefaults, type StepDraft, type StepKind } from '../step-kind.js';
import { CONTAINER_KIND, type ContainerAction } from './container-action.js';
import { containerKeys, settingsOf } from './container-keys.js';
import { type ContainerSettings, imageOf, nearestSettings } from './container-settings.js';

/** Commands, and how the container is made that they run in. */
export interface ContainerDraft extends Omit<ShellDraft, 'kind'> {
  readonly kind: typeof CONTAINER_KIND;
  /** As the step says it; with the defaults beneath once these are known. */
  readonly container: ContainerSettings;
}

/** Runs commands in a container, in the workspace. */
export const containerKind: StepKind<ContainerDraft, ContainerAction> = {
  kind: CONTAINER_KIND,
  meaning: 'runs commands, or what the image runs by itself, in a container',
  ownForm: ownForm({
    keys: { ...shellKeys, ...containerKeys },
    begunBy: ['image'],
    // A step with one of these runs commands all the same: in an image of its stage or pipeline.
    claims: Object.keys(containerKeys),
    read: (values, step, context) => {
      const commands = readCommands(values);
      if (commands.commands.length === 0 && values.image === undefined) {
        const at = { path: step.path, offset: step.node.start };
        context.error('missing_action', 'The step has nothing to do.', at, 'Add run: <command>');
      }
      return { ...commands, kind: CONTAINER_KIND, container: settingsOf(values) };
    },
  }),
  takesOver,
  runsIn: 'image',
  compile: (draft, defaults) => {
    const { image, ...settings } = draft.container;
    const { commands, workingDirectory, separateStreams = defaults.separateStreams } = draft;
    return {
      kind: CONTAINER_KIND,
      image: image ?? '',
      commands,
      shell: draft.shell ?? defaults.shell,
      ...(separateStreams && { separateStreams }),
      workingDirectory,
      ...searchedFolders(draft.path, defaults.path),
      ...settings,
      ...(settings.pull === 'missing' && { pull: undefined }),
    };
  },
  misplaced: (draft, defaults, uses) =>
    misplacedInCommands(draft.commands, draft.shell ?? defaults.shell, uses),
  prepare: (action, scope) => {
    const { commands, variables } = shellCommands(action.commands, action.shell, scope);
    return {
      action: {
        ...action,
        image: renderText(action.image, scope),
        commands,
        ...rendered('workingDirectory', action.workingDirectory, scope),
        ...rendered('user', action.user, scope),
      },
      variables: nameRecord(Object.entries(variables)),
    };
  },
  view: ({ image, commands, workingDirectory }) => ({
    summary: commands.length === 0 ? `runs ${image}` : commandsSummary(commands),
    commands,
    image,
    directory: workingDirectory,
  }),
  document: ({ commands, container: { image }, workingDirectory }) => ({
    step_type: 'docker',
    config: {
      image,
      ...(commands.length > 0 && { command: commands.join('\n') }),
      working_directory: workingDirectory,
    },
  }),
};

/** A step of commands runs in the image of its stage or pipeline; one that says `none` does not. */
function takesOver(draft: StepDraft, defaults: StepDefaults): StepDraft {
  if (isShell(draft) && imageOf(defaults.container) !== undefined) {
    const taken: ContainerDraft = { ...draft, kind: CONTAINER_KIND, container: defaults.container };
    return taken;
  }
  if (isContainer(draft)) {
    const settings = nearestSettings(defaults.container, draft.container);
    if (imageOf(settings) === undefined) {
      const { commands, shell, separateStreams, workingDirectory, path } = draft;
      const given: ShellDraft = {
        kind: SHELL_KIND,
        commands,
        shell,
        separateStreams,
        workingDirectory,
        path,
      };
      return given;
    }
    const merged: ContainerDraft = { ...draft, container: settings };
    return merged;
  }
  return draft;
}

function isShell(draft: StepDraft): draft is ShellDraft {
  return draft.kind === SHELL_KIND;
}

function isContainer(draft: StepDraft): draft is ContainerDraft {
  return draft.kind === CONTAINER_KIND;
}

function rendered<K extends string>(
  key: K,
  text: string | undefined,
  scope: Scope,
): { readonly [key in K]?: string } {
  return text === undefined ? {} : ({ [key]: renderText(text, scope) } as { [key in K]: string });
}
