import type { Plan, RepositoryPlan, RunContext, StepPlan, TriggerContext } from '../plan/plan.js';
import type { Reason, RunState, StageState, StepState } from '../plan/run-state.js';
import { isTerminal } from '../plan/run-status.js';
import { nameList, reason } from './reasons.js';
import type { StageNode, StepNode } from './run-graph.js';
import type { HeldBy } from './step-slots.js';

/** Names that a `needs` reason lists; the rest is counted. */
export const NEEDS_SHOWN = 10;

/** What the first state of a run is made of. */
interface Beginning {
  readonly plan: Plan;
  readonly stages: readonly StageNode[];
  readonly repository: RepositoryPlan | undefined;
  readonly resumeFrom: RunState | undefined;
}

/**
 * The first state: everything waits for something named, but for what an earlier run has left.
 *
 * Kept as they are: steps that were `success`; steps and stages that their own `when` skipped, as
 * long as everything they need is kept too. What was skipped because of a failure is fresh, or a
 * re-run of the failed steps would never reach what stands behind them.
 */
export function initialState(beginning: Beginning): RunState {
  const { plan, stages, repository, resumeFrom } = beginning;
  const earlier = new Map(resumeFrom?.stages.map((stage) => [stage.name, stage]));
  const kept = new Set<string>();
  const keepable = inOrderOfNeeds(stages).map((node): [StageNode, StageState] => {
    const state = stageState(node, earlier.get(node.name), kept, repository !== undefined);
    if (isTerminal(state.status)) kept.add(node.name);
    return [node, state];
  });
  const states = new Map(keepable);
  return {
    status: 'pending',
    ...(repository && { checkout: freshStep('checkout', 'pending', slotReason()) }),
    stages: stages.map((node) => states.get(node) ?? unreachable()),
    onFailure: plan.onFailure.map(freshHook),
    always: plan.always.map(freshHook),
    ...(resumeFrom?.commit && { commit: resumeFrom.commit }),
  };
}

/**
 * What is cloned, by the plan and by what the trigger says instead; undefined = nothing. A branch
 * or tag of the trigger replaces branch, tag and commit of the plan; a resumed run clones the
 * commit that the earlier one found.
 */
export function checkoutRepository(
  plan: Plan,
  context: RunContext,
  resumeFrom: RunState | undefined,
): RepositoryPlan | undefined {
  const { trigger } = context;
  const url = trigger.repository ?? plan.repository?.url;
  if (url === undefined) return undefined;
  const own = plan.repository;
  const named = trigger.branch !== undefined || trigger.tag !== undefined;
  const { branch, tag } = named ? trigger : (own ?? {});
  const commit = trigger.commit ?? (named ? undefined : own?.commit) ?? resumeFrom?.commit?.sha;
  return {
    url,
    ...(branch !== undefined && { branch }),
    ...(tag !== undefined && { tag }),
    ...(commit !== undefined && { commit }),
    ...(own?.depth !== undefined && { depth: own.depth }),
  };
}

/**
 * The names of what is cloned, for `trigger.*` and `CI_*`. A trigger that names a commit alone
 * takes it from wherever it is: the branch or tag of the plan is then not said of it.
 */
export function namedRefs(
  { branch, tag }: RepositoryPlan,
  trigger: TriggerContext,
): Pick<RepositoryPlan, 'branch' | 'tag'> {
  const named = trigger.branch !== undefined || trigger.tag !== undefined;
  if (trigger.commit !== undefined && !named) return {};
  return {
    ...(branch !== undefined && { branch }),
    ...(tag !== undefined && { tag }),
  };
}

export function slotReason(): Reason {
  return reason('slot', 'can start as soon as a slot is free');
}

/** Of a step that waits for its slot: the limit that it waits for. */
export function heldReason({ limit, atOnce }: HeldBy): Reason {
  const what =
    limit === 'lane'
      ? `its stage runs at most ${atOnce} steps at once (\`parallel\`)`
      : `the worker runs at most ${atOnce} steps of an execution at once (WORKER_MAX_PARALLEL_STEPS)`;
  const data = { limit: limit === 'lane' ? 'stage' : 'worker', at_once: atOnce };
  return reason('slot', `waits for a slot: ${what}`, data);
}

export function needsReason(names: readonly string[], open: number): Reason {
  const more = open > names.length ? ` and ${open - names.length} more` : '';
  return reason('needs', `waits for ${nameList(names, NEEDS_SHOWN)}${more}`, {
    needs: names,
    open,
  });
}

function stageState(
  node: StageNode,
  earlier: StageState | undefined,
  kept: ReadonlySet<string>,
  hasCheckout: boolean,
): StageState {
  const needsKept = node.needs.every((need) => kept.has(need.name));
  if (earlier?.status === 'skipped' && earlier.reason?.code === 'when_false' && needsKept) {
    return earlier;
  }
  const steps = stepStates(node, earlier);
  if (earlier?.status === 'success' && steps.every((step) => isTerminal(step.status))) {
    return { ...earlier, steps };
  }
  const why = waitReason(node, hasCheckout);
  return {
    name: node.name,
    status: why.code === 'slot' ? 'pending' : 'waiting',
    reason: why,
    steps,
  };
}

function stepStates(node: StageNode, earlier: StageState | undefined): StepState[] {
  const before = new Map(earlier?.steps.map((step) => [step.name, step]));
  const states = new Map<StepNode, StepState>();
  for (const step of inOrderOfNeeds(node.steps)) {
    const old = before.get(step.name);
    const needsKept = step.needs.every((need) => isTerminal(states.get(need)?.status ?? 'waiting'));
    states.set(
      step,
      old !== undefined && isKept(old, needsKept)
        ? old
        : freshStep(step.name, 'waiting', reason('stage', `waits for its stage "${node.name}"`)),
    );
  }
  return node.steps.map((step) => states.get(step) ?? unreachable());
}

function isKept(step: StepState, needsKept: boolean): boolean {
  if (step.status === 'success') return true;
  return step.status === 'skipped' && step.reason?.code === 'when_false' && needsKept;
}

function waitReason(node: StageNode, hasCheckout: boolean): Reason {
  if (node.needs.length > 0) {
    const names = node.needs.slice(0, NEEDS_SHOWN).map((need) => need.name);
    return needsReason(names, node.needs.length);
  }
  return hasCheckout ? reason('checkout', 'waits for the clone of the repository') : slotReason();
}

function freshStep(name: string, status: 'pending' | 'waiting', why: Reason): StepState {
  return { name, status, reason: why, attempts: [] };
}

function freshHook(plan: StepPlan): StepState {
  return freshStep(plan.name, 'waiting', reason('stages', 'waits for the end of the stages'));
}

/** Needs before what needs them; the graph has no circles. */
export function inOrderOfNeeds<N extends StageNode | StepNode>(nodes: readonly N[]): N[] {
  const open = new Map<N, number>(nodes.map((node) => [node, node.needs.length]));
  const order = nodes.filter((node) => node.needs.length === 0);
  for (const node of order) {
    for (const dependent of node.dependents as readonly N[]) {
      const left = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, left);
      if (left === 0) order.push(dependent);
    }
  }
  return order;
}

function unreachable(): never {
  throw new Error('a node of the graph has no state');
}
