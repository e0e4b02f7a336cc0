import type {
  AttemptFacts,
  AttemptState,
  CommitInfo,
  EarlierRun,
  PhaseState,
  Reason,
  RunFailure,
  RunState,
  RunStatus,
  StageState,
  StepPhase,
  StepState,
} from '../../engine/plan/run-state.js';

/**
 * The engine's state as it is stored and as the API shows it: snake_case, dates, `null` for what is
 * not there.
 */
export type StoredReason = Reason;

/** Facts of a try are stored as the engine has them. */
export interface StoredAttempt extends AttemptFacts {
  readonly number: number;
  readonly status: RunStatus;
  readonly reason: StoredReason | null;
  readonly started_at: Date;
  readonly finished_at: Date | null;
  /** Milliseconds. */
  readonly duration: number | null;
  readonly exit_code: number | null;
  readonly signal: string | null;
  /** Absent in executions of older releases, and of tries that consist of a command alone. */
  readonly phases?: readonly StoredPhase[];
}

export interface StoredPhase {
  readonly name: StepPhase;
  readonly started_at: Date;
  readonly finished_at: Date | null;
  /** Milliseconds. */
  readonly duration: number | null;
}

export interface StoredStep {
  readonly name: string;
  readonly status: RunStatus;
  readonly reason: StoredReason | null;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly duration: number | null;
  readonly exit_code: number | null;
  readonly continued_on_error: boolean;
  readonly flaky: boolean;
  readonly outputs: Readonly<Record<string, string>>;
  readonly attempts: readonly StoredAttempt[];
}

export interface StoredStage {
  readonly name: string;
  readonly status: RunStatus;
  readonly reason: StoredReason | null;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly duration: number | null;
  /** The execution attempt in which it began; absent in executions of older releases. */
  readonly execution_attempt?: number | null;
  readonly steps: readonly StoredStep[];
}

export interface StoredFailure {
  readonly stage: string;
  readonly step: string;
  readonly exit_code: number | null;
  readonly reason: StoredReason;
  readonly last_lines: readonly string[];
}

export type StoredCommit = CommitInfo;

/** The fields of an execution that the runtime decides. */
export interface StoredRun {
  readonly checkout: StoredStep | null;
  readonly stages: readonly StoredStage[];
  readonly on_failure: readonly StoredStep[];
  readonly always: readonly StoredStep[];
  readonly failure: StoredFailure | null;
  readonly commit: StoredCommit | null;
}

export function storedRun(state: RunState): StoredRun {
  return {
    checkout: state.checkout ? storedStep(state.checkout) : null,
    stages: state.stages.map(storedStage),
    on_failure: state.onFailure.map(storedStep),
    always: state.always.map(storedStep),
    failure: state.failure ? storedFailure(state.failure) : null,
    commit: state.commit ?? null,
  };
}

/** The run of an execution, or of what is known of one, without all else. */
export function runOf({
  checkout,
  stages,
  on_failure,
  always,
  failure,
  commit,
}: StoredRun): StoredRun {
  return { checkout, stages, on_failure, always, failure, commit };
}

/** What `storedRun` made, in the engine's words: for an attempt that begins from it. */
export function earlierRun({ stages, commit }: StoredRun): EarlierRun {
  return {
    stages: stages.map((stage) => ({
      name: stage.name,
      status: stage.status,
      reason: stage.reason ?? undefined,
      executionAttempt: stage.execution_attempt ?? undefined,
      ...engineTimes(stage),
      steps: stage.steps.map(earlierStep),
    })),
    commit: commit ?? undefined,
  };
}

function earlierStep(step: StoredStep): StepState {
  return {
    name: step.name,
    status: step.status,
    reason: step.reason ?? undefined,
    ...engineTimes(step),
    exitCode: step.exit_code ?? undefined,
    continuedOnError: step.continued_on_error,
    flaky: step.flaky,
    outputs: step.outputs,
    attempts: step.attempts.map((attempt) => ({
      number: attempt.number,
      status: attempt.status,
      reason: attempt.reason ?? undefined,
      startedAt: attempt.started_at.getTime(),
      finishedAt: attempt.finished_at?.getTime(),
      exitCode: attempt.exit_code ?? undefined,
      signal: attempt.signal ?? undefined,
      phases: attempt.phases?.map((phase) => ({
        name: phase.name,
        startedAt: phase.started_at.getTime(),
        finishedAt: phase.finished_at?.getTime(),
      })),
      ...factsOf(attempt),
    })),
  };
}

function engineTimes({ started_at, finished_at }: Pick<StoredStage, 'started_at' | 'finished_at'>) {
  return { startedAt: started_at?.getTime(), finishedAt: finished_at?.getTime() };
}

/** What has times, in a run that went through JSON. */
interface Timed {
  readonly started_at?: unknown;
  readonly finished_at?: unknown;
}

/**
 * A run that went through JSON, with its dates as dates again: those of the run, its stages, steps
 * and attempts, and no others. An output may be named `started_at` and hold a time.
 */
export function parseRun<T extends StoredRun>(json: string): T {
  const run = JSON.parse(json) as T & Timed;
  return {
    ...withDates(run),
    checkout: run.checkout && stepWithDates(run.checkout),
    stages: run.stages.map((stage) => ({
      ...withDates(stage),
      steps: stage.steps.map(stepWithDates),
    })),
    on_failure: run.on_failure.map(stepWithDates),
    always: run.always.map(stepWithDates),
  };
}

function stepWithDates(step: StoredStep): StoredStep {
  return { ...withDates(step), attempts: step.attempts.map(attemptWithDates) };
}

function attemptWithDates(attempt: StoredAttempt): StoredAttempt {
  const { phases } = attempt;
  return { ...withDates(attempt), ...(phases && { phases: phases.map(withDates) }) };
}

function withDates<T extends Timed>(timed: T): T {
  const { started_at, finished_at } = timed;
  return {
    ...timed,
    ...(typeof started_at === 'string' && { started_at: new Date(started_at) }),
    ...(typeof finished_at === 'string' && { finished_at: new Date(finished_at) }),
  };
}

function storedStage(stage: StageState): StoredStage {
  return {
    name: stage.name,
    status: stage.status,
    reason: stage.reason ?? null,
    ...times(stage.startedAt, stage.finishedAt),
    execution_attempt: stage.executionAttempt ?? null,
    steps: stage.steps.map(storedStep),
  };
}

function storedStep(step: StepState): StoredStep {
  return {
    name: step.name,
    status: step.status,
    reason: step.reason ?? null,
    ...times(step.startedAt, step.finishedAt),
    exit_code: step.exitCode ?? null,
    continued_on_error: step.continuedOnError ?? false,
    flaky: step.flaky ?? false,
    outputs: step.outputs ?? {},
    attempts: step.attempts.map(storedAttempt),
  };
}

function storedAttempt(attempt: AttemptState): StoredAttempt {
  return {
    number: attempt.number,
    status: attempt.status,
    reason: attempt.reason ?? null,
    started_at: new Date(attempt.startedAt),
    finished_at: date(attempt.finishedAt),
    duration: duration(attempt.startedAt, attempt.finishedAt),
    exit_code: attempt.exitCode ?? null,
    signal: attempt.signal ?? null,
    ...(attempt.phases && { phases: attempt.phases.map(storedPhase) }),
    ...factsOf(attempt),
  };
}

function factsOf(facts: AttemptFacts): AttemptFacts {
  const { image, caches, artifacts, tests, deployment, approval } = facts;
  return {
    ...(image && { image }),
    ...(caches && { caches }),
    ...(artifacts && { artifacts }),
    ...(tests && { tests }),
    ...(deployment && { deployment }),
    ...(approval && { approval }),
  };
}

function storedPhase({ name, startedAt, finishedAt }: PhaseState): StoredPhase {
  return {
    name,
    started_at: new Date(startedAt),
    finished_at: date(finishedAt),
    duration: duration(startedAt, finishedAt),
  };
}

function storedFailure(failure: RunFailure): StoredFailure {
  return {
    stage: failure.stage,
    step: failure.step,
    exit_code: failure.exitCode ?? null,
    reason: failure.reason,
    last_lines: failure.lastLines,
  };
}

function times(
  startedAt: number | undefined,
  finishedAt: number | undefined,
): Pick<StoredStage, 'started_at' | 'finished_at' | 'duration'> {
  return {
    started_at: date(startedAt),
    finished_at: date(finishedAt),
    duration: duration(startedAt, finishedAt),
  };
}

function date(at: number | undefined): Date | null {
  return at === undefined ? null : new Date(at);
}

function duration(startedAt: number | undefined, finishedAt: number | undefined): number | null {
  return startedAt === undefined || finishedAt === undefined ? null : finishedAt - startedAt;
}
