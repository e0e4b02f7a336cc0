import { allSidecars } from '../plan/all-sidecars.js';
import type { Plan, StepPlan } from '../plan/plan.js';
import { kindOf } from './step-kind-registry.js';

/** Steps and sidecars of a plan that need a container engine, as people name them. */
export function containerUsers(plan: Plan): readonly string[] {
  const named = (stage: string, steps: readonly StepPlan[]): string[] =>
    steps
      .filter(({ action }) => {
        const kind = kindOf(action);
        return kind.runsIn === 'image' || kind.needsEngine?.(action) === true;
      })
      .map(({ name }) => `${stage}/${name}`);
  return [
    ...plan.stages.flatMap(({ name, steps }) => named(name, steps)),
    ...named('on_failure', plan.onFailure),
    ...named('always', plan.always),
    ...allSidecars(plan).map(({ name }) => `sidecar ${name}`),
  ];
}
