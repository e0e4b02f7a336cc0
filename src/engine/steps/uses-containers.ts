import { allSteps } from '../plan/all-steps.js';
import type { Plan } from '../plan/plan.js';
import { kindOf } from './step-kind-registry.js';

/** Whether any step of the plan needs a container engine. */
export function usesContainers(plan: Plan): boolean {
  return allSteps(plan).some(({ action }) => kindOf(action).runsIn === 'image');
}
