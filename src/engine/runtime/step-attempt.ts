import { messageOf } from '../../common/values/error-message.js';
import type { StepPlan } from '../plan/plan.js';
import type { CommitInfo, Reason } from '../plan/run-state.js';
import { kindOf } from '../steps/step-kind-registry.js';
import { duration, nameList, reason } from './reasons.js';
import type { FailureClass } from './retry-policy.js';
import { outputsSize } from './run-scope.js';
import type { RunSession } from './run-session.js';
import type { StepAttempt, StepOutcome, StepProgress } from './step-handler.js';
import { StopScope, type StopCause } from './stop-scope.js';

/** Bytes of all outputs of one step, names and values in UTF-8. */
export const STEP_OUTPUTS_LIMIT = 65_536;
/** Bytes of all outputs of a run: they are part of its state. */
export const RUN_OUTPUTS_LIMIT = 1_048_576;

/** How one attempt ended. */
export type AttemptEnd =
  | {
      readonly kind: 'success';
      readonly exitCode?: number;
      readonly outputs: Readonly<Record<string, string>>;
      readonly commit?: CommitInfo;
      readonly branch?: string;
    }
  | {
      readonly kind: 'failed' | 'timeout';
      readonly reason: Reason;
      readonly failureClass: FailureClass;
      readonly exitCode?: number;
      readonly signal?: string;
      /** What it had set whole before its end; here and below. */
      readonly outputs?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'suspended'; readonly reason: Reason }
  | {
      readonly kind: 'cancelled' | 'interrupted';
      readonly reason: Reason;
      readonly exitCode?: number;
      readonly signal?: string;
      readonly outputs?: Readonly<Record<string, string>>;
    };

/**
 * Runs one attempt under the step's own limit. Never rejects for what a handler does: one that
 * rejects is a defect of ours and ends the attempt as `infrastructure`, with `internal_error`.
 */
export async function runAttempt(
  session: RunSession,
  plan: StepPlan,
  attempt: StepAttempt,
  parent: StopScope,
  progress: StepProgress,
): Promise<AttemptEnd> {
  const scope = new StopScope(parent);
  const abort = new AbortController();
  scope.onStop((cause) => {
    if (cause.kind === 'timeout') {
      session.ports.systemLine(attempt.address, `${cause.reason.message}: ending its processes`);
    }
    abort.abort(cause.reason);
  });
  const limit = new StepLimit(() => armLimit(session, scope, plan.timeoutMs));
  if (kindOf(plan.action).runsIn !== 'image') limit.arm();
  const watched: StepProgress = {
    begin: (phase) => {
      if (phase === 'command') limit.arm();
      else limit.disarm();
      progress.begin(phase);
    },
    tell: (facts) => progress.tell(facts),
  };
  try {
    const handler = session.handler(plan.action.kind);
    const outcome = await handler.run(attempt, abort.signal, watched);
    return attemptEnd(session, plan, outcome, scope.cause);
  } catch (error) {
    const text = messageOf(error);
    return infrastructure(reason('internal_error', session.mask(`defect of Millrace: ${text}`)));
  } finally {
    limit.disarm();
    scope.close();
  }
}

/** The step's own limit: of its command, not of the image that is fetched for it. */
class StepLimit {
  private off: (() => void) | undefined;

  constructor(private readonly on: () => () => void) {}

  arm(): void {
    this.off ??= this.on();
  }

  disarm(): void {
    this.off?.();
    this.off = undefined;
  }
}

function armLimit(session: RunSession, scope: StopScope, ms: number | undefined): () => void {
  if (ms === undefined) return () => undefined;
  const why = timeoutReason('step', ms);
  return session.after(ms, () => scope.stop({ kind: 'timeout', scope: 'step', reason: why }));
}

export function timeoutReason(
  scope: 'step' | 'stage' | 'execution' | 'hooks',
  limitMs: number,
): Reason {
  const subject = scope === 'hooks' ? 'the hooks' : `the ${scope}`;
  const message = `${subject} passed the limit of ${duration(limitMs)}`;
  return reason('timeout', message, { scope, limit_ms: limitMs });
}

export function attemptEnd(
  session: RunSession,
  plan: StepPlan,
  outcome: StepOutcome,
  cause: StopCause | undefined,
): AttemptEnd {
  switch (outcome.kind) {
    case 'success':
      return succeeded(session, plan, outcome);
    case 'failed':
      return {
        kind: 'failed',
        reason: session.maskReason(outcome.reason ?? exitReason(outcome)),
        failureClass: outcome.isFinal ? 'none' : 'failure',
        ...exitOf(outcome),
        ...keptOutputs(session, plan, outcome),
      };
    case 'infrastructure':
      if (cause !== undefined) return stopped({}, cause);
      return infrastructure(session.maskReason(outcome.reason));
    case 'suspended':
      if (cause !== undefined) return stopped({}, cause);
      return { kind: 'suspended', reason: session.maskReason(outcome.reason) };
    case 'aborted':
      if (cause !== undefined) {
        return { ...stopped(outcome, cause), ...keptOutputs(session, plan, outcome) };
      }
      return infrastructure(
        reason('internal_error', 'it was aborted, but nobody had asked for it'),
      );
  }
}

function succeeded(
  session: RunSession,
  plan: StepPlan,
  outcome: Extract<StepOutcome, { kind: 'success' }>,
): AttemptEnd {
  const { outputs = {}, commit, branch } = outcome;
  const why = refusedOutputs(session, plan, outputs);
  if (why !== undefined) {
    return { kind: 'failed', reason: why, failureClass: 'none', ...exitOf(outcome) };
  }
  return {
    kind: 'success',
    outputs,
    ...exitOf(outcome),
    ...(commit && { commit }),
    ...(branch !== undefined && { branch }),
  };
}

/** Outputs of an attempt that did not succeed: none, when it may not set them. */
function keptOutputs(
  session: RunSession,
  plan: StepPlan,
  { outputs = {} }: Extract<StepOutcome, { kind: 'failed' | 'aborted' }>,
): { readonly outputs?: Readonly<Record<string, string>> } {
  const isKept = refusedOutputs(session, plan, outputs) === undefined;
  return isKept && Object.keys(outputs).length > 0 ? { outputs } : {};
}

function refusedOutputs(
  session: RunSession,
  plan: StepPlan,
  outputs: Readonly<Record<string, string>>,
): Reason | undefined {
  const unknown = Object.keys(outputs).filter((name) => !plan.outputs.includes(name));
  if (unknown.length > 0) {
    const message = `it set ${nameList(unknown)}, which its \`outputs\` does not name`;
    return reason('output_invalid', session.mask(message));
  }
  const bytes = outputsSize(outputs);
  if (bytes > STEP_OUTPUTS_LIMIT) return tooLarge('a step', bytes, STEP_OUTPUTS_LIMIT);
  const all = session.outputs.size + bytes;
  return all > RUN_OUTPUTS_LIMIT ? tooLarge('an execution', all, RUN_OUTPUTS_LIMIT) : undefined;
}

function tooLarge(whose: string, bytes: number, limit: number): Reason {
  const message = `outputs of ${whose} have at most ${limit} bytes, not ${bytes}`;
  return reason('output_invalid', message, { bytes, limit });
}

function stopped(facts: Partial<ExitFacts>, cause: StopCause): AttemptEnd {
  const exit = exitOf(facts);
  switch (cause.kind) {
    case 'timeout':
      return { kind: 'timeout', reason: cause.reason, failureClass: 'timeout', ...exit };
    case 'interrupt':
      return { kind: 'interrupted', reason: cause.reason, ...exit };
    case 'cancel':
    case 'skip':
      return { kind: 'cancelled', reason: cause.reason, ...exit };
  }
}

function infrastructure(why: Reason): AttemptEnd {
  return { kind: 'failed', reason: why, failureClass: 'infrastructure' };
}

interface ExitFacts {
  readonly exitCode: number;
  readonly signal: string;
}

/** What is known of how the process ended; no keys for what is not. */
export function exitOf(facts: Partial<ExitFacts>): Partial<ExitFacts> {
  const { exitCode, signal } = facts;
  return {
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
  };
}

function exitReason({ exitCode, signal }: Partial<ExitFacts>): Reason {
  if (signal === undefined && exitCode !== undefined) {
    return reason('exit_code', `exit code ${exitCode}`, { exit_code: exitCode });
  }
  return reason('signal', `ended by ${signal ?? 'an unknown signal'}`, {
    signal: signal ?? null,
    exit_code: exitCode ?? null,
  });
}
