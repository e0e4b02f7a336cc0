import type { YamlPath } from '../yaml/problem.js';
import type { ApprovalAction } from '../steps/approval/approval-action.js';
import { kindOf } from '../steps/step-kind-registry.js';
import type { StepDefinition } from './definition.js';

/** Of the step that the `approval` of a stage stands for. */
const NAME = 'approval';

/**
 * The steps of a stage with `approval`: the short form of a first step that asks, which all others
 * stand behind, also where they need nothing. Pure.
 *
 * @param place of the key
 * @param isSequential each of its steps needs the one above, where it does not say it
 */
export function withStageApproval(
  action: ApprovalAction,
  steps: readonly StepDefinition[],
  place: { readonly path: YamlPath; readonly offset: number },
  isSequential: boolean,
): StepDefinition[] {
  const taken = new Set(steps.map((step) => step.name));
  let name = NAME;
  while (taken.has(name)) name += '-';
  const use = { name, ...place };
  const first: StepDefinition = {
    ...{ name, place: use, action, environment: {}, secrets: [], continueOnError: false },
    outputs: kindOf(action).setsOutputs?.(action) ?? [],
    ...(isSequential ? {} : { needs: [] }),
  };
  const behind = steps.map((step) => {
    const isBehind = step.needs === undefined ? isSequential : step.needs.length > 0;
    return isBehind ? step : { ...step, needs: [use] };
  });
  return [first, ...behind];
}
