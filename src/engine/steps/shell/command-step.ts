import type { ReadContext } from '../../yaml/reader.js';
import type { YamlPath } from '../../yaml/problem.js';
import type { YamlNode } from '../../yaml/yaml-tree.js';
import { SHELL_KIND } from './shell-action.js';
import type { ShellDraft } from './shell-draft.js';
import { commands } from './shell-keys.js';

/** Stands for a step that could not be read, so that `needs` of it are no further problems. */
export const NO_COMMANDS: ShellDraft = { kind: SHELL_KIND, commands: [] };

/** A step that is no map is its command. */
export function commandStep(node: YamlNode, path: YamlPath, context: ReadContext): ShellDraft {
  return { kind: SHELL_KIND, commands: commands.read(node, path, context) ?? [] };
}
