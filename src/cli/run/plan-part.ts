import { reachableFrom } from '../../engine/plan/dependency-graph.js';
import type { Plan, StagePlan, StepPlan } from '../../engine/plan/plan.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { unknownName } from '../command/unknown-name.js';

/** What of a pipeline is run; neither: all of it. */
export interface PartFlags {
  readonly stage?: readonly string[];
  /** `step`, or `stage/step`. */
  readonly step?: readonly string[];
  /** False: without what it needs. */
  readonly needs?: boolean;
}

/** Names of steps by their stages. */
type Chosen = Map<string, Set<string>>;

/**
 * The plan with only the stages and steps that were named, and as a rule what these need. Hooks
 * stay. What is left out is unknown to expressions.
 *
 * @throws CommandError: there is no such stage or step, or several
 */
export function partOfPlan(plan: Plan, { stage, step, needs = true }: PartFlags): Plan {
  if (stage === undefined && step === undefined) return plan;
  const chosen: Chosen = new Map();
  for (const name of stage ?? []) chooseAll(chosen, stageNamed(plan, name));
  for (const name of step ?? []) choose(chosen, plan, name, needs);
  if (needs) addNeededStages(chosen, plan);
  const kept = keepNodes(plan.stages, (name) => chosen.has(name));
  const stages = kept.map((one) => partOfStage(one, chosen.get(one.name)));
  return { ...plan, stages };
}

function chooseAll(chosen: Chosen, { name, steps }: StagePlan): void {
  chosen.set(name, new Set(steps.map((step) => step.name)));
}

function choose(chosen: Chosen, plan: Plan, name: string, withNeeds: boolean): void {
  const { stage, step } = stepNamed(plan, name);
  const names = chosen.get(stage.name) ?? new Set<string>();
  chosen.set(stage.name, names);
  const wanted = [step.name];
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    if (names.has(next)) continue;
    names.add(next);
    const needed = stage.steps.find((one) => one.name === next)?.needs ?? [];
    if (withNeeds) wanted.push(...needed);
  }
}

function addNeededStages(chosen: Chosen, { stages }: Plan): void {
  const wanted = [...chosen.keys()];
  const seen = new Set<string>();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const stage = stages.find((one) => one.name === name);
    if (stage === undefined || seen.has(name)) continue;
    seen.add(name);
    for (const needed of stages.filter((one) => stage.needs.includes(one.name))) {
      chooseAll(chosen, needed);
      wanted.push(needed.name);
    }
  }
}

function partOfStage(stage: StagePlan, steps: ReadonlySet<string> | undefined): StagePlan {
  return { ...stage, steps: keepNodes(stage.steps, (name) => steps?.has(name) === true) };
}

/** What stands in the place of what is left out is what that one needs: the order stays. */
function keepNodes<T extends Pick<StepPlan, 'name' | 'needs'>>(
  nodes: readonly T[],
  isKept: (name: string) => boolean,
): T[] {
  // A way ends at the first that is kept.
  const ways = new Map(nodes.map(({ name, needs }) => [name, isKept(name) ? [] : needs]));
  return nodes
    .filter(({ name }) => isKept(name))
    .map((node) => {
      const needed = reachableFrom(node.name, new Map(ways).set(node.name, node.needs));
      return { ...node, needs: [...needed].filter(isKept) };
    });
}

function stageNamed({ stages }: Plan, name: string): StagePlan {
  const found = stages.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw unknownName('stage', name, { all: stages.map((one) => one.name) });
}

function stepNamed(plan: Plan, name: string): { stage: StagePlan; step: StepPlan } {
  const all = plan.stages.flatMap((stage) => stage.steps.map((step) => ({ stage, step })));
  const whole = all.filter(({ stage, step }) => `${stage.name}/${step.name}` === name);
  const found = whole.length > 0 ? whole : all.filter(({ step }) => step.name === name);
  const [one, other] = found;
  if (one !== undefined && other === undefined) return one;
  if (one === undefined) {
    const shown = all.map(({ stage, step }) => `${stage.name}/${step.name}`);
    throw unknownName('step', name, {
      all: [...all.map(({ step }) => step.name), ...shown],
      shown,
    });
  }
  const places = found.map(({ stage, step }) => `${stage.name}/${step.name}`).join(', ');
  throw new CommandError(`Several steps are called '${name}': ${places}.`, exitCodes.usage, [
    'Name it with its stage.',
  ]);
}
