import type { Plan, StagePlan, StepPlan } from '../plan/plan.js';
import type { NodePreview, RunPreview, Verdict } from './preview.js';

export type GraphNodeKind = 'checkout' | 'stage' | 'hooks' | 'step';

export interface PlanGraphNode {
  /** Unique; letters, digits and `_`. */
  readonly id: string;
  readonly kind: GraphNodeKind;
  /** As in the YAML; `checkout`, `on_failure`, `always` of what has no name of its own. */
  readonly name: string;
  /** Id of the stage or list of hooks that a step is in; null for all others. */
  readonly parent: string | null;
  readonly verdict: Verdict;
}

export interface PlanGraphEdge {
  /** What must be over first. */
  readonly from: string;
  readonly to: string;
}

/**
 * The order of a plan. Edges go between nodes of one level: stages, or steps of one stage. Those
 * that follow from others are left out (`a -> c` where `a -> b -> c`).
 */
export interface PlanGraph {
  readonly nodes: readonly PlanGraphNode[];
  readonly edges: readonly PlanGraphEdge[];
}

/** Pure. `preview` must be of this plan. */
export function planGraph(plan: Plan, preview: RunPreview, hasCheckout: boolean): PlanGraph {
  const nodes: PlanGraphNode[] = [];
  const edges: PlanGraphEdge[] = [];
  const stageEdges = directNeeds(plan.stages);
  const ids = new Map(plan.stages.map(({ name }, index) => [name, `s${index}`]));
  const idOf = (name: string): string => ids.get(name) ?? '';
  if (hasCheckout) nodes.push(node('c', 'checkout', 'checkout', null, 'runs'));
  for (const [index, stage] of plan.stages.entries()) {
    const id = `s${index}`;
    const shown = preview.stages[index];
    nodes.push(node(id, 'stage', stage.name, null, shown?.verdict ?? 'runs'));
    const needs = stageEdges[index] ?? [];
    edges.push(...needs.map((need) => ({ from: idOf(need), to: id })));
    if (hasCheckout && needs.length === 0) edges.push({ from: 'c', to: id });
    addSteps(id, stage, shown?.steps ?? [], nodes, edges);
  }
  const needed = new Set(stageEdges.flat());
  let ends = plan.stages.filter(({ name }) => !needed.has(name)).map(({ name }) => idOf(name));
  for (const [id, name, hooks, shown] of [
    ['f', 'on_failure', plan.onFailure, preview.onFailure],
    ['a', 'always', plan.always, preview.always],
  ] as const) {
    if (hooks.length === 0) continue;
    nodes.push(node(id, 'hooks', name, null, together(shown)));
    edges.push(...ends.map((from) => ({ from, to: id })));
    addSteps(id, { steps: inSequence(hooks) }, shown, nodes, edges);
    ends = [id];
  }
  return { nodes, edges };
}

function node(
  id: string,
  kind: GraphNodeKind,
  name: string,
  parent: string | null,
  verdict: Verdict,
): PlanGraphNode {
  return { id, kind, name, parent, verdict };
}

function addSteps(
  parent: string,
  { steps }: Pick<StagePlan, 'steps'>,
  shown: readonly NodePreview[],
  nodes: PlanGraphNode[],
  edges: PlanGraphEdge[],
): void {
  const ids = new Map(steps.map(({ name }, index) => [name, `${parent}_${index}`]));
  const needs = directNeeds(steps);
  for (const [index, { name }] of steps.entries()) {
    const id = `${parent}_${index}`;
    nodes.push(node(id, 'step', name, parent, shown[index]?.verdict ?? 'runs'));
    for (const need of needs[index] ?? []) edges.push({ from: ids.get(need) ?? '', to: id });
  }
}

function inSequence(hooks: readonly StepPlan[]): StepPlan[] {
  return hooks.map((hook, index) => {
    const before = hooks[index - 1];
    return before === undefined ? hook : { ...hook, needs: [before.name] };
  });
}

/** A list of hooks as one: what they say together, else that it depends. */
function together(shown: readonly NodePreview[]): Verdict {
  const [first, ...others] = new Set(shown.map(({ verdict }) => verdict));
  return first !== undefined && others.length === 0 ? first : 'depends';
}

interface Needing {
  readonly name: string;
  readonly needs: readonly string[];
}

/**
 * Of each item the needs that no other need of it leads to. With sets of bits the cost is that of
 * the edges times a 32nd of the items: a plan of 1,000 stages that all need those above has half a
 * million edges.
 */
function directNeeds(items: readonly Needing[]): string[][] {
  const indexes = new Map(items.map(({ name }, index) => [name, index]));
  const words = Math.ceil(items.length / 32);
  /** Everything that an item needs, transitively. */
  const before: (Uint32Array | undefined)[] = items.map(() => undefined);
  const direct: string[][] = items.map(() => []);
  const decide = (index: number): void => {
    const needs = (items[index]?.needs ?? []).map((name) => indexes.get(name) ?? -1);
    const further = new Uint32Array(words);
    for (const need of needs) {
      const ofNeed = before[need];
      for (let word = 0; word < words; word += 1) {
        further[word] = (further[word] ?? 0) | (ofNeed?.[word] ?? 0);
      }
    }
    const all = further.slice();
    for (const need of new Set(needs)) {
      const [word, bit] = [need >>> 5, 1 << (need & 31)];
      if (((further[word] ?? 0) & bit) === 0) direct[index]?.push(items[need]?.name ?? '');
      all[word] = (all[word] ?? 0) | bit;
    }
    before[index] = all;
  };
  for (const index of inOrder(items, indexes)) decide(index);
  return direct;
}

/** Indexes of items, needs first; a plan has no circles. Iterative: chains can be long. */
function inOrder(items: readonly Needing[], indexes: ReadonlyMap<string, number>): number[] {
  const open = items.map(({ needs }) => new Set(needs).size);
  const dependents: number[][] = items.map(() => []);
  for (const [index, { needs }] of items.entries()) {
    for (const name of new Set(needs)) dependents[indexes.get(name) ?? -1]?.push(index);
  }
  const order = open.flatMap((count, index) => (count === 0 ? [index] : []));
  for (const index of order) {
    for (const dependent of dependents[index] ?? []) {
      open[dependent] = (open[dependent] ?? 0) - 1;
      if (open[dependent] === 0) order.push(dependent);
    }
  }
  return order;
}
