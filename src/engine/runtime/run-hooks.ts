import type { StatusFunctions } from '../expression/scope.js';
import type { StepPlan } from '../plan/plan.js';
import type { Reason } from '../plan/run-state.js';
import { slotReason } from './initial-state.js';
import { reason } from './reasons.js';
import { grantAtOnce } from './run-checkout.js';
import { runScope } from './run-scope.js';
import type { RunSession } from './run-session.js';
import type { StepRef } from './run-state-store.js';
import { timeoutReason } from './step-attempt.js';
import { placeEnvironment } from './step-preparation.js';
import { runStep } from './step-run.js';
import { StopScope } from './stop-scope.js';
import { decideGate } from './when.js';

export type HookList = 'on_failure' | 'always';

/** How the stages ended, as hooks see it. */
export type StagesOutcome = 'success' | 'failed' | 'timeout' | 'cancelled';

/** Skips the hooks of a list. */
export function skipHooks(session: RunSession, list: HookList, why: Reason): void {
  for (const index of hooksOf(session, list).keys()) {
    session.store.moveStep({ list, step: index }, 'skipped', { reason: why });
  }
}

/**
 * Runs the hooks of a list, one after another in the order of the text; a hook that fails keeps no
 * other from running. What has not begun when `deadline` stops is skipped, and so are `on_failure`
 * hooks after a cancel. Ends early only when the run is interrupted.
 */
export async function runHooks(
  session: RunSession,
  list: HookList,
  outcome: () => StagesOutcome,
  deadline: StopScope,
): Promise<void> {
  for (const [index, plan] of hooksOf(session, list).entries()) {
    const { cause } = deadline;
    if (cause?.kind === 'interrupt') return;
    const ref: StepRef = { list, step: index };
    if (list === 'on_failure' && outcome() === 'cancelled') {
      const why = reason('not_failed', 'the run was cancelled before it began');
      session.store.moveStep(ref, 'skipped', { reason: why });
      continue;
    }
    if (cause !== undefined) {
      const why =
        cause.kind === 'timeout' ? reason('hooks_deadline', cause.reason.message) : cause.reason;
      session.store.moveStep(ref, 'skipped', { reason: why });
      continue;
    }
    await runHook(session, { list, ref, plan, status: statusFunctions(outcome()) }, deadline);
  }
}

interface Hook {
  readonly list: HookList;
  readonly ref: StepRef;
  readonly plan: StepPlan;
  readonly status: StatusFunctions;
}

async function runHook(session: RunSession, hook: Hook, deadline: StopScope): Promise<void> {
  const { list, ref, plan, status } = hook;
  const why = decide(session, hook);
  if (why === undefined) return;
  session.store.moveStep(ref, 'pending', { reason: slotReason() });
  const scope = new StopScope(deadline);
  await runStep(session, {
    ref,
    plan,
    stageName: list,
    stage: undefined,
    status,
    why,
    scope,
    maySuspend: false,
    ask: grantAtOnce,
    release: () => undefined,
    onStart: () => undefined,
  });
  scope.close();
}

/**
 * Why the hook runs, or undefined after its end was written down. A hook's `when` has no
 * `success()` before it.
 */
function decide(session: RunSession, hook: Hook): Reason | undefined {
  const { list, ref, plan, status } = hook;
  const address = { stage: list, step: plan.name, attempt: 1 };
  const place = { stage: undefined, status };
  const answer = decideGate({
    when: plan.when,
    failedNeeds: [],
    failedNeed: undefined,
    stageFailed: false,
    scope: () =>
      runScope(session, undefined, placeEnvironment(session, place, { address, plan }), status),
    mask: (text) => session.mask(text),
  });
  if (answer.kind === 'error') {
    session.store.moveStep(ref, 'failed', { reason: answer.reason });
    return undefined;
  }
  if (answer.trace !== undefined) session.ports.onTrace(list, plan.name, answer.trace);
  if (answer.kind === 'run') return answer.reason;
  session.store.moveStep(ref, 'skipped', { reason: answer.reason });
  return undefined;
}

function hooksOf(session: RunSession, list: HookList): readonly StepPlan[] {
  return list === 'always' ? session.plan.always : session.plan.onFailure;
}

function statusFunctions(outcome: StagesOutcome): StatusFunctions {
  return {
    success: () => outcome === 'success',
    failure: () => outcome === 'failed' || outcome === 'timeout',
    always: () => true,
    cancelled: () => outcome === 'cancelled',
  };
}

/** A scope for a list of hooks that stops after `ms`; call `close` at the end of the list. */
export function hooksDeadline(
  session: RunSession,
  ms: number,
): { readonly scope: StopScope; close(): void } {
  const scope = new StopScope(session.hooks);
  const why = timeoutReason('hooks', ms);
  const disarm = session.after(ms, () =>
    scope.stop({ kind: 'timeout', scope: 'hooks', reason: why }),
  );
  return {
    scope,
    close: () => {
      disarm();
      scope.close();
    },
  };
}
