import { allSteps } from '../plan/all-steps.js';
import type { Plan, StepPlan } from '../plan/plan.js';
import { kindOf } from './step-kind-registry.js';

/** Every secret that clones of the plan use. No step gets them. */
export function cloneSecretsOf(plan: Plan): readonly string[] {
  return [...new Set([...checkoutSecretsOf(plan), ...allSteps(plan).flatMap(stepCloneSecretsOf)])];
}

/** Every secret that clones and registries of the plan are for. No step gets them. */
export function platformSecretsOf(plan: Plan): readonly string[] {
  return [...new Set([...cloneSecretsOf(plan), ...registrySecretsOf(plan)])];
}

/** Those by which images are fetched. */
export function registrySecretsOf({ registries = [] }: Plan): readonly string[] {
  return registries.flatMap(({ username, password }) => [username, password]);
}

/** Those by which the repository of the pipeline is cloned. */
export function checkoutSecretsOf({ repository }: Plan): readonly string[] {
  return namesIn(repository?.credentials);
}

/** Those by which a step clones. */
export function stepCloneSecretsOf({ action }: Pick<StepPlan, 'action'>): readonly string[] {
  return namesIn(kindOf(action).credentials?.(action));
}

function namesIn(credentials: object | undefined): readonly string[] {
  return Object.values(credentials ?? {}) as string[];
}
