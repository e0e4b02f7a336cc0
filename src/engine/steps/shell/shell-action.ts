import type { StepAction } from '../../plan/plan.js';
import type { Shell } from '../../shell/expression-places.js';

export const SHELL_KIND = 'shell';

/** In plans: runs commands. */
export interface ShellAction extends StepAction {
  readonly kind: typeof SHELL_KIND;
  /** Commands, one after another in one shell; the first that fails ends it. Templates. */
  readonly commands: readonly string[];
  /** `sh` (default) runs `/bin/sh -e`; `bash` runs `bash -eo pipefail`. */
  readonly shell: Shell;
  /** Absent = both outputs are one channel, in the order of writing. */
  readonly separateStreams?: true;
  /** Relative to the workspace; checked against leaving it once more at run time. Template. */
  readonly workingDirectory?: string;
  /**
   * Folders in front of `PATH`, the first is searched first: absolute, or relative to the
   * workspace. Absent = none.
   */
  readonly path?: readonly string[];
}

/** The programs that run the commands of a step. */
export const SHELL_PROGRAMS = { sh: '/bin/sh', bash: '/bin/bash' } as const;
