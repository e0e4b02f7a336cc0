import type { Plan, StagePlan, StepPlan } from '../plan/plan.js';

/**
 * A stage or step in the DAG of its siblings, with what the scheduler has to know about it. Numbers
 * are counted down as needs end, so that a run costs its edges and not their square.
 */
interface GraphNode {
  readonly name: string;
  readonly index: number;
  /** Needs that are not over. */
  open: number;
  over: boolean;
  /** Failed or timed out, and that counts (no `continue_on_error`). */
  failed: boolean;
  /** Of what it needs, transitively: the first that failed. Set when all needs are over. */
  failedNeed?: string;
}

export interface StageNode extends GraphNode {
  readonly plan: StagePlan;
  readonly needs: readonly StageNode[];
  readonly dependents: readonly StageNode[];
  readonly steps: readonly StepNode[];
  /** Steps that are not over. */
  openSteps: number;
}

export interface StepNode extends GraphNode {
  readonly plan: StepPlan;
  readonly stage: StageNode;
  readonly needs: readonly StepNode[];
  readonly dependents: readonly StepNode[];
  /** Place in the text over the whole plan: the order of service. */
  readonly position: number;
}

/** A plan that the runtime cannot run; the compiler should not have made it. */
export class PlanError extends Error {
  constructor(
    readonly code: 'plan_format_unknown' | 'plan_invalid' | 'handler_missing' | 'handler_doubled',
    message: string,
  ) {
    super(message);
    this.name = 'PlanError';
  }
}

/** @throws PlanError for unknown needs and circles. */
export function buildGraph(plan: Plan): readonly StageNode[] {
  let position = 0;
  const stages = plan.stages.map((stage, index): Mutable<StageNode> => {
    const node: Mutable<StageNode> = {
      ...blank(stage.name, index, stage.needs),
      plan: stage,
      needs: [],
      dependents: [],
      steps: [],
      openSteps: stage.steps.length,
    };
    node.steps = stage.steps.map((step, at): Mutable<StepNode> => ({
      ...blank(step.name, at, step.needs),
      plan: step,
      stage: node,
      needs: [],
      dependents: [],
      position: position++,
    }));
    connect(node.steps as Mutable<StepNode>[], (step) => step.plan.needs, 'step');
    return node;
  });
  connect(stages, (stage) => stage.plan.needs, 'stage');
  return stages;
}

/** Takes the first failure of the needs over, once all of them are over. */
export function settleNeeds(node: StageNode | StepNode): void {
  const culprit = node.needs.find((need) => need.failed || need.failedNeed !== undefined);
  if (culprit !== undefined) node.failedNeed = culprit.failed ? culprit.name : culprit.failedNeed;
}

/** At most `limit` names of needs that are not over, in the order of the text of the `needs`. */
export function openNeeds(node: StageNode | StepNode, limit: number): string[] {
  const names: string[] = [];
  for (const need of node.needs) {
    if (names.length >= limit) break;
    if (!need.over) names.push(need.name);
  }
  return names;
}

type Mutable<N extends StageNode | StepNode> = {
  -readonly [K in keyof N]: N[K];
};

function blank(name: string, index: number, needs: readonly string[]): GraphNode {
  return { name, index, open: new Set(needs).size, over: false, failed: false };
}

function connect<N extends Mutable<StageNode> | Mutable<StepNode>>(
  nodes: readonly N[],
  needsOf: (node: N) => readonly string[],
  word: string,
): void {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  if (byName.size < nodes.length) throw new PlanError('plan_invalid', `two ${word}s of one name`);
  for (const node of nodes) {
    const needs = [...new Set(needsOf(node))].map((name) => {
      const need = byName.get(name);
      if (need !== undefined) return need;
      throw new PlanError(
        'plan_invalid',
        `${word} "${node.name}" needs "${name}", which is not there`,
      );
    });
    node.needs = needs as N['needs'];
    for (const need of needs) (need.dependents as N[]).push(node);
  }
  refuseCircles(nodes, word);
}

/** Takes away what has no open needs until nothing is left; what stays stands in a circle. */
function refuseCircles(
  nodes: readonly (Mutable<StageNode> | Mutable<StepNode>)[],
  word: string,
): void {
  const open = new Map<object, number>(nodes.map((node) => [node, node.needs.length]));
  const free = nodes.filter((node) => node.needs.length === 0);
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    open.delete(node);
    for (const dependent of node.dependents) {
      const left = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, left);
      if (left === 0) free.push(dependent);
    }
  }
  if (open.size === 0) return;
  const names = nodes.filter((node) => open.has(node)).map((node) => node.name);
  throw new PlanError('plan_invalid', `needs of ${word}s go in a circle: ${names.join(', ')}`);
}
