import type { Plan } from './plan.js';

/** Every name that an `environment` of the plan has, at whatever level. */
export function declaredVariables(plan: Plan): ReadonlySet<string> {
  const steps = [...plan.stages.flatMap((stage) => stage.steps), ...plan.onFailure, ...plan.always];
  const levels = [plan, ...plan.stages, ...steps];
  return new Set(levels.flatMap(({ environment }) => Object.keys(environment)));
}
