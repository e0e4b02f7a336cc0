import type { Reason } from '../plan/run-state.js';
import type { RunMemory } from './continuation.js';
import { reason } from './reasons.js';
import { runCheckout } from './run-checkout.js';
import { RunControl } from './run-control.js';
import { hooksDeadline, runHooks, skipHooks, type HookList } from './run-hooks.js';
import type { RunPorts, RunRequest, RunResult } from './run-ports.js';
import { sidecarsOf, startSidecars, waitForSidecars } from './run-sidecars.js';
import { RunSession } from './run-session.js';
import { StageScheduler } from './stage-scheduler.js';

/**
 * Runs a plan to its end: clone, stages, `on_failure`, `always`. A run whose steps wait for
 * something outside ends `suspended`, as soon as nothing else of it can run; `continueFrom`
 * continues from there.
 *
 * Resolves when nothing of the run runs any more: every handler that was called has answered. The
 * signal's reason is a `StopRequest`; only the first one counts, as signals go. The last state
 * given to `ports.onState` is the one of the result.
 *
 * Rejects only for a defect: `PlanError` for a plan that no compiler should have made or a missing
 * handler, before anything runs; `IllegalMoveError` and its like for one of the runtime, with
 * everything that ran asked to end.
 */
export async function runPlan(
  request: RunRequest,
  ports: RunPorts,
  signal: AbortSignal,
): Promise<RunResult> {
  const session = new RunSession(request, ports);
  const run = conduct(session, signal).catch((error: unknown) => {
    session.breakOff(error);
    throw error;
  });
  return Promise.race([session.broken, run]);
}

async function conduct(session: RunSession, signal: AbortSignal): Promise<RunResult> {
  session.store.flush();
  session.store.moveRun('running', reason('started', 'a worker runs it'));
  const control = new RunControl(session, signal);
  try {
    await runStages(session);
    if (session.suspension !== undefined)
      return suspend(session, control.ranMs, session.suspension);
    control.beginHooks();
    await runAllHooks(session, control);
    return finish(session, control);
  } finally {
    control.close();
    await session.ports.sidecars?.stopAll();
  }
}

async function runStages(session: RunSession): Promise<void> {
  const scheduler = new StageScheduler(session);
  const refused = (await runCheckout(session)) ?? (await startOfRun(session));
  if (refused === undefined) await scheduler.run();
  else scheduler.skipAll(refused);
}

/** The sidecars that run beside all stages and hooks; undefined = continue. */
async function startOfRun(session: RunSession): Promise<Reason | undefined> {
  const sidecars = sidecarsOf(session, undefined);
  const left = session.stages.filter(({ over }) => !over);
  if (sidecars.length === 0 || left.length === 0 || session.work.cause) return undefined;
  const first = left.filter(({ open }) => open === 0);
  for (const { index } of first) waitForSidecars(session, index, sidecars);
  session.touch();
  return startSidecars(session, undefined, session.work);
}

async function runAllHooks(session: RunSession, control: RunControl): Promise<void> {
  if (control.interruptReason !== undefined) return;
  const { outcome } = control;
  if (outcome === 'failed' || outcome === 'timeout') await runList(session, control, 'on_failure');
  else skipHooks(session, 'on_failure', notFailed(outcome));
  await runList(session, control, 'always');
}

async function runList(session: RunSession, control: RunControl, list: HookList): Promise<void> {
  const deadline = hooksDeadline(session, control.hooksLimit());
  try {
    await runHooks(session, list, () => control.outcome, deadline.scope);
  } finally {
    deadline.close();
  }
}

function notFailed(outcome: string): Reason {
  return reason('not_failed', `the outcome of the stages is ${outcome}`);
}

function suspend(session: RunSession, ranMs: number, why: Reason): RunResult {
  session.store.moveRun('waiting', why);
  const state = session.store.flush();
  return { kind: 'suspended', state, reason: why, memory: memoryOf(session, ranMs) };
}

function memoryOf(session: RunSession, ranMs: number): RunMemory {
  const { branch, tag, commit } = session.trigger;
  return {
    outputs: session.outputs.entries(),
    checkout: session.checkout,
    refs: { branch, tag, commit },
    ranMs,
    stagesRanMs: session.stages.map(({ index }) => session.stagesRanMs.get(index) ?? null),
  };
}

function finish(session: RunSession, control: RunControl): RunResult {
  const interrupted = control.interruptReason;
  if (interrupted !== undefined) {
    return { kind: 'interrupted', state: session.store.flush(), reason: interrupted };
  }
  session.store.moveRun(control.outcome, control.outcomeReason);
  return { kind: 'finished', state: session.store.flush() };
}
