import type { Plan, StepPlan } from '../plan/plan.js';
import type { SidecarPlan } from '../plan/sidecar-plan.js';
import {
  checkoutSecretsOf,
  registrySecretsOf,
  stepCloneSecretsOf,
} from '../steps/clone-secrets.js';
import type { NodePreview, RunPreview } from './preview.js';

/** Secrets by their names, with the first place that names them, in words. */
export type SecretPlaces = ReadonlyMap<string, string>;

/**
 * Every secret of a plan, those of clones and registries too. With a preview those are left out
 * that only stages and steps name which are skipped whatever happens. Pure.
 */
export function secretPlaces(plan: Plan, preview?: RunPreview): SecretPlaces {
  const places = new Map<string, string>();
  const add = (place: string, names: readonly string[] = []): void =>
    names.filter((name) => !places.has(name)).forEach((name) => places.set(name, place));
  const addSidecars = (of: string, sidecars: readonly SidecarPlan[] = []): void =>
    sidecars.forEach(({ name, secrets }) => add(`sidecar "${name}"${of}`, secrets));
  const addSteps = (
    steps: readonly StepPlan[],
    of: string,
    previews: readonly NodePreview[] = [],
  ): void =>
    steps.forEach((step, index) => {
      if (previews[index]?.verdict === 'skipped') return;
      add(`step "${step.name}" of ${of}`, [...(step.secrets ?? []), ...stepCloneSecretsOf(step)]);
    });
  add('the pipeline', plan.secrets);
  add('the repository of the pipeline', checkoutSecretsOf(plan));
  add('the registries of the pipeline', registrySecretsOf(plan));
  addSidecars('', plan.sidecars);
  plan.stages.forEach((stage, index) => {
    const shown = preview?.stages[index];
    if (shown?.verdict === 'skipped') return;
    const place = `stage "${stage.name}"`;
    add(place, stage.secrets);
    addSidecars(` of ${place}`, stage.sidecars);
    addSteps(stage.steps, place, shown?.steps);
  });
  addSteps(plan.onFailure, 'on_failure', preview?.onFailure);
  addSteps(plan.always, 'always', preview?.always);
  return places;
}

/** `There is no secret A`, or several, each with the first place that names it; without an end. */
export function noSecretText(names: readonly string[], places: SecretPlaces): string {
  const all = names.map((name) => {
    const place = places.get(name);
    return place === undefined ? name : `${name} (named by ${place})`;
  });
  return names.length === 1
    ? `There is no secret ${all.join('')}`
    : `There are no secrets ${all.join(', ')}`;
}
