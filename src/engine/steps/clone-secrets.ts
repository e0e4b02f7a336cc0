import type { Plan } from '../plan/plan.js';
import { kindOf } from './step-kind-registry.js';

/** Every secret that clones of the plan use. No step gets them. */
export function cloneSecretsOf(plan: Plan): readonly string[] {
  const steps = [...plan.stages.flatMap((stage) => stage.steps), ...plan.onFailure, ...plan.always];
  const used = [
    plan.repository?.credentials,
    ...steps.map(({ action }) => kindOf(action).credentials?.(action)),
  ];
  return [...new Set(used.flatMap((each) => Object.values(each ?? {}) as string[]))];
}
