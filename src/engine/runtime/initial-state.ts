import { MASK_REPLACEMENT } from '../../common/values/mask-replacement.js';
import type { Plan, RepositoryPlan, RunContext, StepPlan, TriggerContext } from '../plan/plan.js';
import type { EarlierRun, Reason, RunState, StageState, StepState } from '../plan/run-state.js';
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
  readonly resumeFrom: EarlierRun | undefined;
}

/**
 * The first state: everything waits for something named, but for the stages that an earlier run has
 * left.
 *
 * A stage is kept whole or runs whole, because its steps share a workspace that is empty again.
 * Kept are stages that were `success`, and those that their own `when`, or that of each of their
 * steps, skipped; both only if everything that they need is kept too: what ran behind a stage that
 * runs again ran too early.
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
  resumeFrom: EarlierRun | undefined,
): RepositoryPlan | undefined {
  const { trigger } = context;
  const url = trigger.repository ?? plan.repository?.url;
  if (url === undefined) return undefined;
  const own = plan.repository;
  const { depth, tags, submodules, lfs } = own ?? {};
  // They go to the host that the pipeline names, and to no other that a trigger names.
  const credentials = own && originOf(own.url) === originOf(url) ? own.credentials : undefined;
  const named = trigger.branch !== undefined || trigger.tag !== undefined;
  const { branch, tag } = named ? trigger : (own ?? {});
  const commit = trigger.commit ?? (named ? undefined : own?.commit) ?? resumeFrom?.commit?.sha;
  return {
    url,
    ...(branch !== undefined && { branch }),
    ...(tag !== undefined && { tag }),
    ...(commit !== undefined && { commit }),
    ...(depth !== undefined && { depth }),
    ...(tags !== undefined && { tags }),
    ...(submodules !== undefined && { submodules }),
    ...(lfs !== undefined && { lfs }),
    ...(credentials !== undefined && { credentials }),
  };
}

/** Scheme, user, host and port as they are written; the path may hold expressions. */
function originOf(url: string): string {
  return /^[a-z]+:\/\/[^/]*/i.exec(url)?.[0].toLowerCase() ?? url;
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
  return reason('slot', 'starts as soon as a worker has a slot for it');
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
  if (earlier !== undefined && needsKept && canBeKept(node, earlier)) return keptStage(earlier);
  const why = waitReason(node, hasCheckout);
  return {
    name: node.name,
    status: why.code === 'slot' ? 'pending' : 'waiting',
    reason: why,
    steps: node.steps.map(({ name }) =>
      freshStep(name, 'waiting', reason('stage', `waits for its stage "${node.name}"`)),
    ),
  };
}

const SKIPPED_BY_ITSELF = new Set(['when_false', 'steps_skipped']);

function canBeKept(node: StageNode, { status, reason, steps }: StageState): boolean {
  if (status === 'skipped') return SKIPPED_BY_ITSELF.has(reason?.code ?? '');
  // An output that a mask has changed is not what later steps would have read.
  return status === 'success' && node.steps.length === steps.length && !steps.some(hasMaskedOutput);
}

function hasMaskedOutput({ outputs = {} }: StepState): boolean {
  return Object.values(outputs).some((value) => value.includes(MASK_REPLACEMENT));
}

/** As it was, but for the reason of what passed: it says that this run did not run it. */
function keptStage(stage: StageState): StageState {
  const { executionAttempt: attempt } = stage;
  const inWhich = attempt === undefined ? 'an earlier attempt' : `attempt ${attempt}`;
  const message = `passed in ${inWhich} and is kept (\`resume\`)`;
  const why = reason('kept', message, attempt === undefined ? undefined : { attempt });
  const kept = <T extends StageState | StepState>(state: T): T =>
    state.status === 'success' && state.reason?.code !== 'kept' ? { ...state, reason: why } : state;
  return { ...kept(stage), steps: stage.steps.map(kept) };
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
