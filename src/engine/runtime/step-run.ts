import type { StatusFunctions } from '../expression/scope.js';
import type { StepPlan } from '../plan/plan.js';
import type { AttemptState, CommitInfo, Reason, StepState } from '../plan/run-state.js';
import { secretsAt } from '../plan/secret-names.js';
import { FoundServices } from './found-services.js';
import { slotReason } from './initial-state.js';
import { duration, maskDeep, reason } from './reasons.js';
import { retryDelay } from './retry-policy.js';
import type { StageNode } from './run-graph.js';
import type { RunSession } from './run-session.js';
import type { StepChange, StepRef } from './run-state-store.js';
import { attemptEnd, exitOf, runAttempt, type AttemptEnd } from './step-attempt.js';
import type { StepAddress, StepProgress } from './step-handler.js';
import { prepareAttempt } from './step-preparation.js';
import { WatchedAttempt } from './watched-attempt.js';
import type { StopCause, StopScope } from './stop-scope.js';

/** One step to run, with all its attempts. It is `pending` when it begins. */
export interface StepTask {
  readonly ref: StepRef;
  readonly plan: StepPlan;
  /** Of the address: a stage's name, `''`, `on_failure` or `always`. */
  readonly stageName: string;
  readonly stage: StageNode | undefined;
  readonly status: StatusFunctions;
  /** Why it runs. */
  readonly why: Reason;
  readonly scope: StopScope;
  /** Whether the run may end while it waits for something outside. */
  readonly maySuspend: boolean;
  /** Asks for a slot, for each attempt again; returns what takes the request back. */
  readonly ask: (grant: () => void) => () => void;
  readonly release: () => void;
  /** Called before each attempt. */
  readonly onStart: () => void;
}

export type StepEnd =
  | {
      readonly kind: 'success';
      readonly outputs: Readonly<Record<string, string>>;
      readonly commit?: CommitInfo;
      readonly branch?: string;
    }
  /** Failed or timed out; `counts` is false for a step that continues on error. */
  | {
      readonly kind: 'failed';
      readonly counts: boolean;
      readonly reason: Reason;
      readonly exitCode?: number;
      readonly address: StepAddress;
      readonly outputs?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'stopped'; readonly outputs?: Readonly<Record<string, string>> }
  | { readonly kind: 'suspended'; readonly reason: Reason }
  | { readonly kind: 'interrupted' };

/** Runs a step until it needs no further attempt, and writes all of it into the state. */
export async function runStep(session: RunSession, task: StepTask): Promise<StepEnd> {
  for (let number = firstNumber(session, task); ; number += 1) {
    const refused = await slotOrStop(session, task);
    if (refused !== undefined) return stopUnstarted(session, task, refused);
    const end = await attemptOnce(session, task, number);
    task.release();
    session.touch();
    const delay = delayBeforeNext(task, number, end);
    if (delay === undefined) return finish(session, task, number, end);
    const stopped = await backOff(session, task, number, end, delay);
    if (stopped !== undefined) return stopUnstarted(session, task, stopped);
    session.store.moveStep(task.ref, 'pending', { reason: slotReason() });
  }
}

/** An attempt that waits since an earlier run is the same one still. */
function firstNumber({ store }: RunSession, { ref }: StepTask): number {
  const { attempts } = store.step(ref);
  return attempts.length + (attempts.at(-1)?.status === 'waiting' ? 0 : 1);
}

/** Undefined with a slot in hand, or why there is none. */
async function slotOrStop(session: RunSession, task: StepTask): Promise<StopCause | undefined> {
  const stopped = await new Promise<StopCause | undefined>((resolve) => {
    let takeBack = (): void => undefined;
    const forget = task.scope.onStop((cause) => {
      takeBack();
      resolve(cause);
    });
    if (task.scope.cause !== undefined) return;
    takeBack = task.ask(() => {
      forget();
      resolve(undefined);
    });
    session.touch();
  });
  if (stopped !== undefined) return stopped;
  if (task.scope.cause !== undefined) task.release();
  return task.scope.cause;
}

async function attemptOnce(
  session: RunSession,
  task: StepTask,
  number: number,
): Promise<AttemptEnd> {
  task.onStart();
  const { ref, plan } = task;
  const { attempts, last } = attemptsBefore(session.store.step(ref));
  const started: AttemptState = {
    ...last,
    number,
    status: 'running',
    startedAt: last?.startedAt ?? session.ports.clock.now(),
  };
  session.store.moveStep(ref, 'running', { reason: task.why, attempts: [...attempts, started] });
  const address = { stage: task.stageName, step: plan.name, attempt: number };
  const watched = new WatchedAttempt(session, ref, attempts, started);
  const end = await prepareAndRun(session, task, address, watched);
  const ended: AttemptState = {
    ...watched.ended(),
    status: statusOf(end),
    ...(end.kind !== 'success' && { reason: end.reason }),
    ...(end.kind !== 'suspended' && { finishedAt: session.ports.clock.now(), ...exitOf(end) }),
  };
  session.store.changeStep(ref, { attempts: [...attempts, ended] });
  return end;
}

/** `last` is the one that waits and is asked again, without why it waits. */
function attemptsBefore({ attempts }: StepState): {
  readonly attempts: readonly AttemptState[];
  readonly last?: Omit<AttemptState, 'reason'>;
} {
  const waiting = attempts.at(-1);
  if (waiting?.status !== 'waiting') return { attempts };
  return { attempts: attempts.slice(0, -1), last: withoutReason(waiting) };
}

function withoutReason({
  reason: _reason,
  ...attempt
}: AttemptState): Omit<AttemptState, 'reason'> {
  return attempt;
}

async function prepareAndRun(
  session: RunSession,
  task: StepTask,
  address: StepAddress,
  progress: StepProgress,
): Promise<AttemptEnd> {
  const services = new FoundServices(session.ports);
  let prepared = prepareAttempt(session, task.plan, task, address, services);
  while (services.isIncomplete) {
    const stopped = await completed(services, task);
    if (stopped !== undefined) return attemptEnd(session, task.plan, { kind: 'aborted' }, stopped);
    prepared = prepareAttempt(session, task.plan, task, address, services);
  }
  if (prepared.kind === 'impossible') {
    session.ports.systemLine(address, prepared.reason.message);
    return { kind: 'failed', reason: prepared.reason, failureClass: 'none' };
  }
  tellWithheld(session, task, address);
  session.store.flush();
  const end = await runAttempt(session, task.plan, prepared.attempt, task.scope, progress);
  return end.kind === 'suspended' && !task.maySuspend ? notSuspended(end.reason) : end;
}

/** Waits for the services that a try reads. Returns why nobody needs them any more. */
async function completed(
  services: FoundServices,
  { scope }: StepTask,
): Promise<StopCause | undefined> {
  const over = new AbortController();
  const forget = scope.onStop(() => over.abort());
  await services.complete(over.signal);
  forget();
  return scope.cause;
}

/** A secret that the run is not given is no empty variable: the log says why it is not there. */
function tellWithheld(session: RunSession, { plan, stage }: StepTask, address: StepAddress): void {
  const withheld = secretsAt(session.plan, stage?.plan, plan).filter(
    (name) => session.ports.secret(name) === undefined,
  );
  if (withheld.length === 0) return;
  const names = withheld.join(', ');
  session.ports.systemLine(address, `secrets are not given to this run: ${names}`);
}

function notSuspended({ message }: Reason): AttemptEnd {
  const why = reason('cannot_suspend', `a hook or a clone cannot wait: ${message}`);
  return { kind: 'failed', reason: why, failureClass: 'none' };
}

function statusOf({ kind }: AttemptEnd): AttemptState['status'] {
  if (kind === 'interrupted') return 'cancelled';
  return kind === 'suspended' ? 'waiting' : kind;
}

function delayBeforeNext(task: StepTask, number: number, end: AttemptEnd): number | undefined {
  if (end.kind !== 'failed' && end.kind !== 'timeout') return undefined;
  if (task.scope.cause !== undefined) return undefined;
  return retryDelay(task.plan.retry, { number, ...end });
}

/** Waits before the next attempt; returns why that will not come. */
async function backOff(
  session: RunSession,
  task: StepTask,
  number: number,
  end: AttemptEnd,
  delay: number,
): Promise<StopCause | undefined> {
  const { ref, plan, stageName } = task;
  const next = number + 1;
  const total = plan.retry.max + 1;
  const cause = end.kind === 'success' ? 'ended' : end.reason.message;
  const message = `attempt ${number} of ${total} failed (${cause}); the next one starts in ${duration(delay)}`;
  session.ports.systemLine({ stage: stageName, step: plan.name, attempt: number }, message);
  const until = session.ports.clock.now() + delay;
  session.store.moveStep(ref, 'waiting', {
    reason: reason('retry_backoff', message, { until, next_attempt: next, attempts: total }),
  });
  return new Promise((resolve) => {
    const forget = task.scope.onStop((stop) => {
      disarm();
      resolve(stop);
    });
    const disarm = session.after(delay, () => {
      forget();
      resolve(undefined);
    });
  });
}

function finish(session: RunSession, task: StepTask, number: number, end: AttemptEnd): StepEnd {
  const address = { stage: task.stageName, step: task.plan.name, attempt: number };
  switch (end.kind) {
    case 'success':
      return succeed(session, task, number, end);
    case 'failed':
    case 'timeout':
      return fail(session, task, address, end);
    case 'cancelled':
      session.store.moveStep(task.ref, 'cancelled', {
        reason: end.reason,
        ...exitCodeOf(end),
        ...shownOutputs(session, end),
      });
      return { kind: 'stopped', ...realOutputs(end) };
    case 'suspended':
      session.store.moveStep(task.ref, 'waiting', { reason: end.reason });
      return { kind: 'suspended', reason: end.reason };
    case 'interrupted':
      session.store.changeStep(task.ref, { reason: end.reason });
      return { kind: 'interrupted' };
  }
}

function succeed(
  session: RunSession,
  task: StepTask,
  number: number,
  end: Extract<AttemptEnd, { kind: 'success' }>,
): StepEnd {
  session.store.moveStep(task.ref, 'success', {
    reason: task.why,
    ...exitCodeOf(end),
    ...shownOutputs(session, end),
    ...(number > 1 && { flaky: true }),
  });
  const { outputs, commit, branch } = end;
  return {
    kind: 'success',
    outputs,
    ...(commit && { commit }),
    ...(branch !== undefined && { branch }),
  };
}

function fail(
  session: RunSession,
  task: StepTask,
  address: StepAddress,
  end: Extract<AttemptEnd, { kind: 'failed' | 'timeout' }>,
): StepEnd {
  const { continueOnError } = task.plan;
  session.store.moveStep(task.ref, end.kind, {
    reason: end.reason,
    ...exitCodeOf(end),
    ...shownOutputs(session, end),
    ...(continueOnError && { continuedOnError: true }),
  });
  return {
    kind: 'failed',
    counts: !continueOnError,
    reason: end.reason,
    ...exitCodeOf(end),
    ...realOutputs(end),
    address,
  };
}

interface WithOutputs {
  readonly outputs?: Readonly<Record<string, string>>;
}

/** As they are shown and stored: masked. */
function shownOutputs(session: RunSession, { outputs }: WithOutputs): StepChange {
  if (outputs === undefined || Object.keys(outputs).length === 0) return {};
  return { outputs: maskDeep(outputs, (text) => session.mask(text)) as Record<string, string> };
}

/** As later steps get them. */
function realOutputs({ outputs }: WithOutputs): WithOutputs {
  return outputs === undefined ? {} : { outputs };
}

/** Ends a step that waits for a slot or between two attempts. */
function stopUnstarted(session: RunSession, task: StepTask, cause: StopCause): StepEnd {
  const { attempts } = session.store.step(task.ref);
  switch (cause.kind) {
    case 'interrupt':
      session.store.changeStep(task.ref, { reason: cause.reason });
      return { kind: 'interrupted' };
    case 'cancel':
      session.store.moveStep(task.ref, 'cancelled', { reason: cause.reason });
      return { kind: 'stopped' };
    case 'skip':
      session.store.moveStep(task.ref, 'skipped', { reason: cause.reason });
      return { kind: 'stopped' };
    case 'timeout':
      return stopForTimeout(session, task, cause.reason, attempts.length);
  }
}

function stopForTimeout(
  session: RunSession,
  task: StepTask,
  why: Reason,
  attempts: number,
): StepEnd {
  if (attempts === 0) {
    session.store.moveStep(task.ref, 'skipped', { reason: why });
    return { kind: 'stopped' };
  }
  const address = { stage: task.stageName, step: task.plan.name, attempt: attempts };
  return fail(session, task, address, { kind: 'timeout', reason: why, failureClass: 'none' });
}

/**
 * Written at the end of the step, so that an earlier attempt's code never stands for the last one.
 */
function exitCodeOf(end: Exclude<AttemptEnd, { kind: 'suspended' }>): StepChange {
  return end.exitCode === undefined ? {} : { exitCode: end.exitCode };
}
