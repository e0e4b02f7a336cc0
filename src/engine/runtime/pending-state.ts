import type { Plan, RunContext } from '../plan/plan.js';
import type { RunState } from '../plan/run-state.js';
import { checkoutRepository, initialState } from './initial-state.js';
import { buildGraph } from './run-graph.js';

/**
 * The state of a run that no worker has begun: every stage and step by name, and what each waits
 * for.
 */
export function pendingState(plan: Plan, context: RunContext): RunState {
  return initialState({
    plan,
    stages: buildGraph(plan),
    repository: checkoutRepository(plan, context, undefined),
    resumeFrom: undefined,
  });
}
