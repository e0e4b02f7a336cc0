import type { Plan, StepPlan } from './plan.js';

/** Every step of a plan: of its stages, then its hooks. */
export function allSteps({ stages, onFailure, always }: Plan): readonly StepPlan[] {
  return [...stages.flatMap(({ steps }) => steps), ...onFailure, ...always];
}
