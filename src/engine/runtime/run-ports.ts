import type { ServiceLookup } from '../expression/scope.js';
import type { Plan, RunContext, StepAction } from '../plan/plan.js';
import type { EarlierRun, Reason, RunState, WhenTrace } from '../plan/run-state.js';
import type { Continuation, RunMemory } from './continuation.js';
import type { SidecarHost } from './sidecar-host.js';
import type { StepAddress, StepHandler } from './step-handler.js';

/** What `runPlan` is asked to do. */
export interface RunRequest {
  readonly plan: Plan;
  readonly context: RunContext;
  /**
   * The state of an earlier execution attempt: stages that passed in it are kept, with their times
   * and outputs; all others run whole. Steps of a kept stage do not run, so what they left in the
   * workspace or in memory must not be needed.
   */
  readonly resumeFrom?: EarlierRun;
  /**
   * Where a suspended run is: all that is over is kept, in the workspace that it had then. Not
   * together with `resumeFrom`.
   */
  readonly continueFrom?: Continuation;
  /** Steps of this run at once, over all stages. */
  readonly maxParallelSteps: number;
}

/** Why a run is stopped from outside; it is the `reason` of the abort signal. */
export interface StopRequest {
  /**
   * `cancel`: a user's; running steps end, `always` hooks run, the run ends `cancelled`.
   * `interrupt`: the worker stops or lost its lease; running steps end, nothing further runs, the
   * run has no end of its own.
   */
  readonly kind: 'cancel' | 'interrupt';
  readonly reason: Reason;
}

/**
 * Everything outside the engine that a run needs. All calls are synchronous and must not throw, but
 * for the handlers.
 */
export interface RunPorts {
  /** Exactly one per kind of action that the plan holds. */
  readonly handlers: readonly StepHandler[];
  /** Absent: plans with sidecars cannot be run. */
  readonly sidecars?: SidecarHost;
  readonly clock: Clock;
  /**
   * Values of `HOST_VARIABLES`, for a try of a step or for what is evaluated outside steps. What it
   * says of a try holds for the handler that runs it; a try may be asked for more than once, and
   * never run.
   */
  hostVariables(
    address: StepAddress | undefined,
    action: StepAction | undefined,
  ): Readonly<Record<string, string>>;
  /**
   * The value of a secret that the plan names; undefined: this run is given none, so its steps have
   * no such variable.
   */
  secret(name: string): string | undefined;
  /**
   * Where a service answers now, by the name that an expression uses; it never rejects. It may wait
   * until that is decided, or the signal. Absent: this run has nobody to ask.
   */
  findService?(
    name: string,
    signal: AbortSignal,
  ): Promise<Exclude<ServiceLookup, { kind: 'pending' }>>;
  /** Gets the whole new state after every change; states are immutable. */
  onState(state: RunState): void;
  /** Gets the evaluated `when` of a stage (`step` absent) or a step. */
  onTrace(stage: string, step: string | undefined, trace: WhenTrace): void;
  /** A line of Millrace's own for the step's log (retry, timeout, undeclared output…). */
  systemLine(address: StepAddress, text: string): void;
  /** Replaces secrets in a text; applied to outputs, reasons, traces and commit messages. */
  mask(text: string): string;
  /** The last lines (at most 20, masked) of a try that has ended. */
  lastLines(address: StepAddress): readonly string[];
}

/** Time as the engine sees it: a test replaces it by one that it moves itself. */
export interface Clock {
  /** Milliseconds since the epoch, for states. */
  now(): number;
  /** Calls back once after `ms` of monotonic time; returns what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export type RunResult =
  | { readonly kind: 'finished'; readonly state: RunState }
  | { readonly kind: 'interrupted'; readonly state: RunState; readonly reason: Reason }
  /** It waits for something outside: to be continued from here. No hook has run. */
  | {
      readonly kind: 'suspended';
      readonly state: RunState;
      readonly reason: Reason;
      readonly memory: RunMemory;
    };
