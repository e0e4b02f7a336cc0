import type { StepAction } from '../plan/plan.js';

/** What every step finds in its environment, whatever that of the server is. */
export const FIXED_VARIABLES = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
} as const;

/** Variables whose values only the host of a run knows; it gives all of them, `CI_OUTPUT` to tries of steps. */
export const HOST_VARIABLES = [
  'HOME',
  'TMPDIR',
  'USER',
  'LOGNAME',
  'JAVA_TOOL_OPTIONS',
  'CI_WORKSPACE',
  'CI_OUTPUT',
] as const;

/** The programs that run the commands of a step. */
export const SHELL_PROGRAMS = { sh: '/bin/sh', bash: '/bin/bash' } as const;

/** The variables that are known before a run: the same everywhere, and the shell of a step that has one. */
export function fixedVariables(action: StepAction | undefined): Readonly<Record<string, string>> {
  if (action?.kind !== 'shell') return FIXED_VARIABLES;
  return { ...FIXED_VARIABLES, SHELL: SHELL_PROGRAMS[action.shell] };
}
