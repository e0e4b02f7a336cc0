import type { PipelineDefinition, StepDefinition } from '../definition/definition.js';
import type { NameUse } from '../yaml/reader.js';
import { nearestName } from '../expression/nearest-name.js';
import { findCycle } from '../plan/dependency-graph.js';
import { stageNeeds, stepNeeds } from './needs.js';
import type { ProblemSink } from './problem-sink.js';

interface Item {
  readonly name: string;
  readonly place: NameUse;
  readonly needs?: readonly NameUse[];
}

/** Names that are given twice, needs that name nothing, cycles. */
export function checkNames(definition: PipelineDefinition, sink: ProblemSink): void {
  const { stages } = definition;
  checkDuplicates('stage', '', stages, sink);
  const stepNames = new Map<string, string>();
  for (const stage of stages) for (const step of stage.steps) stepNames.set(step.name, stage.name);
  const stagesFit = checkNeeds('stage', stages, sink, (need) => {
    const stage = stepNames.get(need);
    return stage === undefined
      ? undefined
      : `"${need}" is a step; a stage needs stages: "${stage}"`;
  });
  if (stagesFit) checkCycle('stages', stageNeeds(stages), stages, sink);
  for (const stage of stages) {
    checkDuplicates('step', ` in stage "${stage.name}"`, stage.steps, sink);
    const stepsFit = checkNeeds('step', stage.steps, sink, (need) => {
      const other = stepNames.get(need);
      if (other !== undefined)
        return `"${need}" is in stage "${other}": steps need steps of their stage`;
      const isStage = stages.some(({ name }) => name === need);
      return isStage ? `"${need}" is a stage: write needs at the stage` : undefined;
    });
    if (stepsFit) checkCycle(`steps of stage "${stage.name}"`, stepNeeds(stage), stage.steps, sink);
  }
  checkHooks('on_failure', definition.onFailure, sink);
  checkHooks('always', definition.always, sink);
}

function checkHooks(name: string, steps: readonly StepDefinition[], sink: ProblemSink): void {
  checkDuplicates('step', ` in "${name}"`, steps, sink);
}

function checkDuplicates(
  kind: string,
  where: string,
  items: readonly Item[],
  sink: ProblemSink,
): void {
  const seen = new Set<string>();
  for (const { name, place } of items) {
    if (name !== '' && seen.has(name)) {
      const message = `The ${kind} name "${name}" is used twice${where}.`;
      sink.error('duplicate_name', message, { ...place }, 'Give each a name of its own');
    }
    seen.add(name);
  }
}

/** True when all needs name something, so that a search for cycles makes sense. */
function checkNeeds(
  kind: 'stage' | 'step',
  items: readonly Item[],
  sink: ProblemSink,
  explain: (need: string) => string | undefined,
): boolean {
  const names = new Set(items.map((item) => item.name));
  let fit = true;
  for (const item of items) {
    for (const need of item.needs ?? []) {
      if (names.has(need.name)) continue;
      fit = false;
      const near = nearestName(need.name, names);
      const others = [...names]
        .filter((name) => name !== item.name)
        .slice(0, 10)
        .join(', ');
      const fallback = others === '' ? `There is no other ${kind} here` : `Known: ${others}`;
      const hint =
        explain(need.name) ?? (near === undefined ? fallback : `Did you mean "${near}"?`);
      sink.error('unknown_need', `There is no ${kind} "${need.name}" here to need.`, need, hint);
    }
  }
  return fit;
}

function checkCycle(
  what: string,
  edges: ReadonlyMap<string, readonly string[]>,
  items: readonly Item[],
  sink: ProblemSink,
): void {
  const cycle = findCycle(edges);
  if (cycle === undefined) return;
  const [first = '', second = ''] = cycle;
  const item = items.find(({ name }) => name === first);
  const place = item?.needs?.find(({ name }) => name === second) ?? item?.place;
  if (place === undefined) return;
  const message = `The ${what} wait for each other: ${cycle.join(' -> ')}.`;
  sink.error('dependency_cycle', message, place, 'Remove one of these needs');
}
