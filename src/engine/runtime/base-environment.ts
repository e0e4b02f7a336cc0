import type { StepAction } from '../plan/plan.js';
import { kindOf } from '../steps/step-kind-registry.js';

/** What every step finds in its environment, whatever that of the server is. */
export const FIXED_VARIABLES = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
} as const;

/**
 * Variables whose values only the host of a run knows; it gives all of them, `CI_OUTPUT` to tries
 * of steps.
 */
export const HOST_VARIABLES = [
  'HOME',
  'TMPDIR',
  'USER',
  'LOGNAME',
  'JAVA_TOOL_OPTIONS',
  'CI_WORKSPACE',
  'CI_OUTPUT',
] as const;

/**
 * The variables that are known before a run: the same everywhere, and those of the kind of a step.
 * What runs in an image has that one's in the place of ours, and no text of the file sees them.
 */
export function fixedVariables(action: StepAction | undefined): Readonly<Record<string, string>> {
  if (action === undefined) return FIXED_VARIABLES;
  if (kindOf(action).runsIn === 'image') return kindOf(action).variables?.(action) ?? {};
  return { ...FIXED_VARIABLES, ...kindOf(action).variables?.(action) };
}
