import { allSidecars } from './all-sidecars.js';
import { allSteps } from './all-steps.js';
import type { Plan, StagePlan, StepPlan } from './plan.js';

type WithSecrets = Pick<StepPlan, 'secrets'>;

/** Names of the secrets that are given to what stands there: a step, or the `when` of a stage. */
export function secretsAt(
  plan: WithSecrets,
  stage: WithSecrets | undefined,
  step: WithSecrets | undefined,
): readonly string[] {
  return unique([plan, stage, step].flatMap((level) => level?.secrets ?? []));
}

/**
 * Every secret that steps and sidecars of the plan get: a run begins with all of them or not at
 * all.
 */
export function secretsOf(plan: Plan): readonly string[] {
  const stages: readonly StagePlan[] = plan.stages;
  const parts: readonly WithSecrets[] = [plan, ...stages, ...allSteps(plan), ...allSidecars(plan)];
  return unique(parts.flatMap(({ secrets = [] }) => secrets));
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
