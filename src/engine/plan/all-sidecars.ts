import type { Plan } from './plan.js';
import type { SidecarPlan } from './sidecar-plan.js';

/** Every sidecar of a plan: of the run, then of its stages. */
export function allSidecars({ sidecars = [], stages }: Plan): readonly SidecarPlan[] {
  return [...sidecars, ...stages.flatMap(({ sidecars: ofStage = [] }) => ofStage)];
}
