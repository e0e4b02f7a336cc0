import type { Shell } from '../../shell/expression-places.js';
import type { StepDraft } from '../step-kind.js';
import type { SHELL_KIND } from './shell-action.js';

export interface ShellDraft extends StepDraft {
  readonly kind: typeof SHELL_KIND;
  readonly commands: readonly string[];
  /** Absent = the pipeline's default; the same of `separateStreams`. */
  readonly shell?: Shell;
  readonly separateStreams?: boolean;
  readonly workingDirectory?: string;
  /** As the step says it, without those of the defaults. */
  readonly path?: readonly string[];
}
