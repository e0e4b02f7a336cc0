import type {
  PipelineDefinition,
  SidecarDefinition,
  StageDefinition,
} from '../definition/definition.js';
import { nearestName } from '../expression/nearest-name.js';
import { sidecarStepName } from '../plan/sidecar-plan.js';
import { findCycle, reachableFrom } from '../plan/dependency-graph.js';
import { stageNeeds } from './needs.js';
import type { ProblemSink } from './problem-sink.js';

/**
 * Names that two sidecars would have at once, needs that name nothing, and circles of them. Two
 * stages may each have a sidecar of one name where one of them is over before the other begins.
 */
export function checkSidecars(definition: PipelineDefinition, sink: ProblemSink): void {
  const { sidecars, stages } = definition;
  checkGraph(sidecars, [], sink);
  for (const stage of stages) {
    checkGraph(stage.sidecars, sidecars, sink);
    for (const one of stage.sidecars) {
      if (sidecars.some(({ name }) => name === one.name)) doubled(one, 'the pipeline', sink);
    }
    checkSteps(stage, sink);
  }
  checkStages(stages, sink);
}

function checkStages(stages: readonly StageDefinition[], sink: ProblemSink): void {
  const withSidecars = stages.filter(({ sidecars }) => sidecars.length > 0);
  if (withSidecars.length < 2) return;
  const needs = stageNeeds(stages);
  const before = new Map(withSidecars.map(({ name }) => [name, reachableFrom(name, needs)]));
  for (const [index, stage] of withSidecars.entries()) {
    for (const other of withSidecars.slice(0, index)) {
      const inOrder =
        before.get(stage.name)?.has(other.name) === true ||
        before.get(other.name)?.has(stage.name) === true;
      if (inOrder) continue;
      for (const one of stage.sidecars) {
        const isTaken = other.sidecars.some(({ name }) => name === one.name);
        if (isTaken)
          doubled(one, `the stage "${other.name}", which may run beside this one,`, sink);
      }
    }
  }
}

function doubled({ name, place }: SidecarDefinition, where: string, sink: ProblemSink): void {
  const message = `The sidecar name "${name}" is used twice: ${where} has it too.`;
  sink.error('duplicate_name', message, place, 'Give each a name of its own');
}

/** The lines of a sidecar stand in the log as those of a step do. */
function checkSteps({ sidecars, steps }: StageDefinition, sink: ProblemSink): void {
  const taken = new Set(sidecars.map(({ name }) => sidecarStepName(name)));
  for (const { name, place } of steps) {
    if (!taken.has(name)) continue;
    const message = `The log names a sidecar of this stage "${name}".`;
    sink.error('duplicate_name', message, place, 'Give the step another name');
  }
}

function checkGraph(
  sidecars: readonly SidecarDefinition[],
  outer: readonly SidecarDefinition[],
  sink: ProblemSink,
): void {
  const names = sidecars.map(({ name }) => name);
  const known = [...names, ...outer.map(({ name }) => name)];
  let fit = true;
  for (const need of sidecars.flatMap((one) => one.needs)) {
    if (known.includes(need.name)) continue;
    fit = false;
    const near = nearestName(need.name, known);
    const hint = near === undefined ? `Known: ${known.join(', ')}` : `Did you mean "${near}"?`;
    sink.error('unknown_need', `There is no sidecar "${need.name}" to need.`, need, hint);
  }
  const cycle = fit ? findCycle(edgesOf(sidecars)) : undefined;
  const item = sidecars.find(({ name }) => name === cycle?.[0]);
  if (cycle === undefined || item === undefined) return;
  const message = `The sidecars wait for each other: ${cycle.join(' -> ')}.`;
  sink.error('dependency_cycle', message, item.place, 'Remove one of these needs');
}

function edgesOf(sidecars: readonly SidecarDefinition[]): ReadonlyMap<string, readonly string[]> {
  return new Map(sidecars.map(({ name, needs }) => [name, needs.map((need) => need.name)]));
}

/**
 * Sidecars behind those that they need, else in the order of the text. Needs of others than these
 * are left out: those of the pipeline are ready before any stage begins.
 */
export function inStartOrder(
  sidecars: readonly SidecarDefinition[],
): readonly { readonly sidecar: SidecarDefinition; readonly needs: readonly string[] }[] {
  const left = sidecars.map((sidecar) => {
    const own = sidecar.needs.map(({ name }) => name);
    const needs = [...new Set(own)].filter((name) => sidecars.some((one) => one.name === name));
    return { sidecar, needs };
  });
  const placed = new Set<string>();
  const order: typeof left = [];
  while (left.length > 0) {
    const index = left.findIndex(({ needs }) => needs.every((name) => placed.has(name)));
    const [next] = left.splice(Math.max(index, 0), 1);
    if (next === undefined) break;
    placed.add(next.sidecar.name);
    order.push(next);
  }
  return order;
}
