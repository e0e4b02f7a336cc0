import type { Plan, StepPlan } from '../plan/plan.js';
import type { SidecarPlan } from '../plan/sidecar-plan.js';
import {
  checkoutSecretsOf,
  registrySecretsOf,
  stepCloneSecretsOf,
} from '../steps/clone-secrets.js';
import type { NodePreview, PreviewContext } from './preview.js';
import { previewRun } from './run-preview.js';

/**
 * The secrets that a run for this trigger may come to use, those of clones too: not what only
 * stages and steps name that are skipped whatever happens. Pure.
 */
export function neededSecrets(plan: Plan, context: PreviewContext): ReadonlySet<string> {
  const preview = previewRun(plan, context);
  const needed = new Set([
    ...(plan.secrets ?? []),
    ...checkoutSecretsOf(plan),
    ...registrySecretsOf(plan),
    ...sidecarSecrets(plan.sidecars),
  ]);
  const need = (names: readonly string[] = []): void => names.forEach((name) => needed.add(name));
  const needOfSteps = (steps: readonly StepPlan[], previews: readonly NodePreview[]): void =>
    steps.forEach((step, index) => {
      if (previews[index]?.verdict === 'skipped') return;
      need(step.secrets);
      need(stepCloneSecretsOf(step));
    });
  plan.stages.forEach((stage, index) => {
    const shown = preview.stages[index];
    if (shown?.verdict === 'skipped') return;
    need(stage.secrets);
    need(sidecarSecrets(stage.sidecars));
    needOfSteps(stage.steps, shown?.steps ?? []);
  });
  needOfSteps(plan.onFailure, preview.onFailure);
  needOfSteps(plan.always, preview.always);
  return needed;
}

function sidecarSecrets(sidecars: readonly SidecarPlan[] = []): readonly string[] {
  return sidecars.flatMap(({ secrets = [] }) => secrets);
}
