import { allSteps } from '../plan/all-steps.js';
import type { Plan } from '../plan/plan.js';
import { allSidecars } from '../plan/all-sidecars.js';
import { kindOf } from './step-kind-registry.js';

/** Whether any step or sidecar of the plan needs a container engine. */
export function usesContainers(plan: Plan): boolean {
  if (allSidecars(plan).length > 0) return true;
  return allSteps(plan).some(({ action }) => kindOf(action).runsIn === 'image');
}
