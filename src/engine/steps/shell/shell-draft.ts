import type { Shell } from '../../shell/expression-places.js';
import type { ReadContext } from '../../yaml/reader.js';
import type { YamlPath } from '../../yaml/problem.js';
import type { YamlNode } from '../../yaml/yaml-tree.js';
import type { StepDraft } from '../step-kind.js';
import { SHELL_KIND } from './shell-action.js';
import { commands } from './shell-keys.js';

export interface ShellDraft extends StepDraft {
  readonly kind: typeof SHELL_KIND;
  readonly commands: readonly string[];
  /** Absent = the pipeline's default; the same of `separateStreams`. */
  readonly shell?: Shell;
  readonly separateStreams?: boolean;
  readonly workingDirectory?: string;
}

/** Stands for a step that could not be read, so that `needs` of it are no further problems. */
export const NO_COMMANDS: ShellDraft = { kind: SHELL_KIND, commands: [] };

/** A step that is no map is its command. */
export function commandStep(node: YamlNode, path: YamlPath, context: ReadContext): ShellDraft {
  return { kind: SHELL_KIND, commands: commands.read(node, path, context) ?? [] };
}
