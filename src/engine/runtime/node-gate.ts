import type { Scope, StatusFunctions } from '../expression/scope.js';
import type { Reason } from '../plan/run-state.js';
import { NEEDS_SHOWN, needsReason } from './initial-state.js';
import { openNeeds, type StageNode, type StepNode } from './run-graph.js';
import { runScope } from './run-scope.js';
import type { RunSession } from './run-session.js';
import { placeEnvironment } from './step-preparation.js';
import { decideGate, type GateAnswer } from './when.js';

/** Asks whether a stage may begin; its needs are over. Tells the trace of its `when`. */
export function askStage(session: RunSession, stage: StageNode): GateAnswer {
  const status = statusFunctions(stage);
  const answer = askNode(session, stage, false, () => {
    const env = placeEnvironment(session, { stage, status });
    return runScope(session, undefined, env, status);
  });
  if (answer.kind !== 'error' && answer.trace !== undefined) {
    session.ports.onTrace(stage.name, undefined, answer.trace);
  }
  return answer;
}

/**
 * Asks whether a step may start; its needs are over and its stage has begun. Tells the trace of its
 * `when`.
 */
export function askStep(session: RunSession, step: StepNode): GateAnswer {
  const { stage } = step;
  const status = statusFunctions(step);
  const answer = askNode(session, step, stage.failed, () => {
    const address = { stage: stage.name, step: step.name, attempt: 1 };
    const env = placeEnvironment(session, { stage, status }, { address, plan: step.plan });
    return runScope(session, stage, env, status);
  });
  if (answer.kind !== 'error' && answer.trace !== undefined) {
    session.ports.onTrace(stage.name, step.name, answer.trace);
  }
  return answer;
}

/**
 * Over all that it needs, transitively. A cancelled run asks nothing of stages any more, so
 * `cancelled()` is for hooks.
 */
export function statusFunctions(node: StageNode | StepNode): StatusFunctions {
  const failed = node.failedNeed !== undefined;
  return {
    success: () => !failed,
    failure: () => failed,
    always: () => true,
    cancelled: () => false,
  };
}

/** What a node waits for now. */
export function waitingFor(node: StageNode | StepNode): Reason {
  return needsReason(openNeeds(node, NEEDS_SHOWN), node.open);
}

function askNode(
  session: RunSession,
  node: StageNode | StepNode,
  stageFailed: boolean,
  scope: () => Scope,
): GateAnswer {
  const failedNeeds = node.needs.filter((need) => need.failed || need.failedNeed !== undefined);
  return decideGate({
    when: node.plan.when,
    failedNeeds: failedNeeds.map((need) => need.name),
    failedNeed: node.failedNeed,
    stageFailed,
    scope,
    mask: (text) => session.mask(text),
  });
}
