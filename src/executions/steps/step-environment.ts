import type { Workspace } from '../../workspaces/workspace.js';

/** What every step finds on its `PATH`, whatever the worker's own is. */
const STEP_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The environment of a step's process: nothing of the worker's own. A pipeline may replace `PATH`, `HOME`, `TMPDIR` and
 * `LANG`, but not what names the workspace and the output file.
 */
export function stepEnvironment(
  workspace: Workspace,
  outputFile: string,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    PATH: STEP_PATH,
    HOME: workspace.home,
    TMPDIR: workspace.temporary,
    LANG: 'C.UTF-8',
    ...given,
    CI_WORKSPACE: workspace.directory,
    CI_OUTPUT: outputFile,
  };
}
