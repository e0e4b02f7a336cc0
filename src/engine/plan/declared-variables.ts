import { allSteps } from './all-steps.js';
import type { Plan } from './plan.js';

/** Every name that an `environment` of the plan has, at whatever level. */
export function declaredVariables(plan: Plan): ReadonlySet<string> {
  const levels = [plan, ...plan.stages, ...allSteps(plan)];
  return new Set(levels.flatMap(({ environment }) => Object.keys(environment)));
}
