import { criticalPath, type TimedNode } from '../../engine/plan/critical-path.js';
import type { Plan, StepPlan } from '../../engine/plan/plan.js';
import type { StoredRun, StoredStep } from './stored-state.js';

/** A step of the critical path. */
export interface ExecutionPathPart {
  /** Empty for the checkout; `on_failure` and `always` for hooks. */
  readonly stage: string;
  readonly step: string;
  readonly waited_ms: number;
  readonly duration_ms: number;
}

/**
 * What decided when the execution was over, or, while it runs, how far it is; first step first.
 * Pure.
 */
export function executionPath(plan: Plan, run: StoredRun, now: Date): ExecutionPathPart[] {
  return criticalPath(nodesOf(plan, run, now)).map(({ id, waited, took }) => {
    const { stage, step } = JSON.parse(id) as { stage: string; step: string };
    return { stage, step, waited_ms: waited, duration_ms: took };
  });
}

/**
 * The plan as one graph of steps. Stages have no time of their own: they stand as gates between
 * their steps.
 */
function nodesOf(plan: Plan, run: StoredRun, now: Date): TimedNode[] {
  const checkout = idOf('', 'checkout');
  const nodes: TimedNode[] = [timed(checkout, [], run.checkout, now)];
  for (const stage of plan.stages) {
    const states = run.stages.find(({ name }) => name === stage.name)?.steps ?? [];
    const begin = gate('begin', stage.name);
    nodes.push({ id: begin, needs: [checkout, ...stage.needs.map((need) => gate('end', need))] });
    nodes.push(...stepNodes(stage.name, stage.steps, begin, states, now));
    const needs = [begin, ...stage.steps.map(({ name }) => idOf(stage.name, name))];
    nodes.push({ id: gate('end', stage.name), needs });
  }
  const over = gate('end', '');
  nodes.push({ id: over, needs: plan.stages.map(({ name }) => gate('end', name)) });
  nodes.push(...stepNodes('on_failure', plan.onFailure, over, run.on_failure, now));
  const failed = gate('end', 'on_failure');
  nodes.push({
    id: failed,
    needs: [over, ...plan.onFailure.map(({ name }) => idOf('on_failure', name))],
  });
  nodes.push(...stepNodes('always', plan.always, failed, run.always, now));
  return nodes;
}

function stepNodes(
  stage: string,
  steps: readonly StepPlan[],
  begin: string,
  states: readonly StoredStep[],
  now: Date,
): TimedNode[] {
  return steps.map(({ name, needs }) => {
    const state = states.find((each) => each.name === name);
    return timed(idOf(stage, name), [begin, ...needs.map((need) => idOf(stage, need))], state, now);
  });
}

function timed(
  id: string,
  needs: readonly string[],
  state: StoredStep | null | undefined,
  now: Date,
): TimedNode {
  if (!state?.started_at) return { id, needs };
  const to = (state.finished_at ?? now).getTime();
  return { id, needs, ran: { from: state.started_at.getTime(), to } };
}

function idOf(stage: string, step: string): string {
  return JSON.stringify({ stage, step });
}

/** Never the id of a step. */
function gate(end: 'begin' | 'end', stage: string): string {
  return `${end} ${stage}`;
}
