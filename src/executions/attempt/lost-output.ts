import type { LostOutput } from '../../integrations/container-runtime/container-runtime.js';

/** For the log of a step or sidecar, at the place where something is missing. */
export function lostOutputLine(why: LostOutput, who: 'step' | 'sidecar'): string {
  return why === 'away'
    ? `The container engine went away: what the ${who} printed meanwhile is lost.`
    : `The container engine did not give all output: the end of what the ${who} printed may be lost.`;
}
