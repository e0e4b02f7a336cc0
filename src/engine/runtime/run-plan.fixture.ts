import type { Plan, RunContext, StagePlan, StepPlan } from '../plan/plan.js';
import type { Reason, RunState, StepState, WhenTrace } from '../plan/run-state.js';
import type { ShellAction } from '../steps/shell/shell-action.js';
import { runPlan } from './run-plan.js';
import type { Clock, RunPorts, RunRequest, RunResult, StopRequest } from './run-ports.js';
import { StepHandler, type StepProgress } from './step-handler.js';
import type { StepAddress, StepAttempt, StepOutcome } from './step-handler.js';

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  private time = 1_000_000;
  private readonly timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.time;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.time + ms, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  get pending(): number {
    return this.timers.size;
  }

  /**
   * Moves on by `ms`, timer by timer, and lets everything that a timer started come to rest before
   * the next.
   */
  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await settled();
    for (;;) {
      const next = [...this.timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.time = Math.max(this.time, next.at);
      this.timers.delete(next);
      next.callback();
      await settled();
    }
    this.time = end;
  }
}

/** Resolves when no promise of this process is ready to continue. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export interface Call {
  readonly attempt: StepAttempt;
  readonly key: string;
  readonly signal: AbortSignal;
  readonly progress: StepProgress;
  end(outcome: StepOutcome): void;
  crash(error: Error): void;
}

export type Script = (call: Call) => StepOutcome | undefined;

/** A handler whose calls a test ends: by a script that answers at once, or later by hand. */
export class FakeHandler extends StepHandler {
  readonly calls: Call[] = [];
  readonly open = new Set<Call>();
  mostAtOnce = 0;

  constructor(
    readonly kind: string,
    private readonly script: Script,
  ) {
    super();
  }

  run(attempt: StepAttempt, signal: AbortSignal, progress: StepProgress): Promise<StepOutcome> {
    return new Promise((resolve, reject) => {
      const { stage, step, attempt: number } = attempt.address;
      const call: Call = {
        attempt,
        key: `${stage}/${step}#${number}`,
        signal,
        progress,
        end: (outcome) => {
          this.open.delete(call);
          resolve(outcome);
        },
        crash: (error) => {
          this.open.delete(call);
          reject(error);
        },
      };
      this.calls.push(call);
      this.open.add(call);
      this.mostAtOnce = Math.max(this.mostAtOnce, this.open.size);
      const outcome = this.script(call);
      if (outcome !== undefined) call.end(outcome);
      else signal.addEventListener('abort', () => call.end({ kind: 'aborted', signal: 'SIGTERM' }));
    });
  }
}

export const OK: StepOutcome = { kind: 'success', exitCode: 0 };
export const EXIT_1: StepOutcome = { kind: 'failed', exitCode: 1 };
export const BROKEN: StepOutcome = {
  kind: 'infrastructure',
  reason: { code: 'infrastructure', message: 'no process slot' },
};
export const SUSPENDED: StepOutcome = {
  kind: 'suspended',
  reason: { code: 'approval_required', message: 'somebody has to approve it' },
};
export const CANCEL: StopRequest = {
  kind: 'cancel',
  reason: { code: 'cancelled', message: 'cancelled by ada' },
};
export const INTERRUPT: StopRequest = {
  kind: 'interrupt',
  reason: { code: 'worker_stopped', message: 'the worker stops' },
};

type StepOptions = Partial<Omit<StepPlan, 'name' | 'retry'>> & {
  readonly retry?: Partial<StepPlan['retry']>;
  readonly run?: string | readonly string[];
};

function shellAction(commands: readonly string[]): ShellAction {
  return { kind: 'shell', commands, shell: 'sh' };
}

export function step(name: string, options: StepOptions = {}): StepPlan {
  const { run = `do ${name}`, retry, ...rest } = options;
  return {
    name,
    needs: [],
    explicitNeeds: rest.needs !== undefined,
    action: shellAction(typeof run === 'string' ? [run] : run),
    environment: {},
    continueOnError: false,
    outputs: [],
    ...rest,
    retry: {
      max: 0,
      on: ['failure', 'timeout', 'infrastructure'],
      backoff: { initialMs: 1000, factor: 2, maxMs: 60_000 },
      ...retry,
    },
  };
}

type StageOptions = Partial<Omit<StagePlan, 'name' | 'steps'>>;

/** Steps side by side but for what their `needs` say. */
export function parallelStage(
  name: string,
  steps: readonly StepPlan[],
  options: StageOptions = {},
): StagePlan {
  return {
    name,
    needs: [],
    explicitNeeds: options.needs !== undefined,
    environment: {},
    maxParallel: 1000,
    ...options,
    steps,
  };
}

/** Steps one after another, as the compiler writes them out. */
export function sequential(
  name: string,
  steps: readonly StepPlan[],
  options: StageOptions = {},
): StagePlan {
  const chained = steps.map((one, index) => {
    const before = steps[index - 1];
    if (one.explicitNeeds || before === undefined) return one;
    return { ...one, needs: [before.name] };
  });
  return parallelStage(name, chained, options);
}

export function plan(stages: readonly StagePlan[], options: Partial<Plan> = {}): Plan {
  return {
    format: 1,
    name: 'shop',
    environment: {},
    timeoutMs: 3_600_000,
    retryCount: 0,
    runsOn: [],
    onFailure: [],
    always: [],
    ...options,
    stages,
  };
}

/** Stages one after another, as the compiler writes them out: each needs every one above it. */
export function inOrder(stages: readonly StagePlan[], options: Partial<Plan> = {}): Plan {
  const chained = stages.map((stage, index) =>
    stage.explicitNeeds
      ? stage
      : { ...stage, needs: stages.slice(0, index).map((above) => above.name) },
  );
  return plan(chained, options);
}

export function context(change: Partial<RunContext> = {}): RunContext {
  return {
    executionId: 'e1',
    pipelineId: 'p1',
    pipelineName: 'shop',
    executionAttempt: 2,
    trigger: { event: 'manual' },
    inputs: {},
    environment: {},
    ...change,
  };
}

export interface TraceCall {
  readonly stage: string;
  readonly step: string | undefined;
  readonly trace: WhenTrace;
}

export interface Bench {
  readonly clock: ManualClock;
  readonly shell: FakeHandler;
  readonly git: FakeHandler;
  readonly states: RunState[];
  readonly traces: TraceCall[];
  readonly lines: string[];
  readonly result: Promise<RunResult>;
  readonly keys: () => string[];
  readonly stop: (request: StopRequest) => void;
  readonly last: () => RunState;
  /** The open call of a key; waits for nothing. */
  readonly call: (key: string) => Call;
}

export interface BenchOptions extends Partial<Omit<RunRequest, 'plan'>> {
  readonly script?: Script;
  readonly git?: Script;
  readonly ports?: Partial<RunPorts>;
  readonly signal?: AbortSignal;
  /** Beside those for shell and git. */
  readonly handlers?: readonly StepHandler[];
}

/** Starts a run over fakes. Without a script every step succeeds at once. */
export function start(of: Plan, options: BenchOptions = {}): Bench {
  const { script = () => OK, git = () => OK, ports, signal, handlers = [], ...request } = options;
  const clock = new ManualClock();
  const shell = new FakeHandler('shell', script);
  const gitHandler = new FakeHandler('git', git);
  const states: RunState[] = [];
  const traces: TraceCall[] = [];
  const lines: string[] = [];
  const abort = new AbortController();
  const result = runPlan(
    { plan: of, context: context(), maxParallelSteps: 8, ...request },
    {
      handlers: [shell, gitHandler, ...handlers],
      clock,
      hostVariables: () => ({}),
      secret: () => undefined,
      onState: (state) => states.push(state),
      onTrace: (stage, name, trace) => traces.push({ stage, step: name, trace }),
      systemLine: (address, text) => lines.push(`${address.stage}/${address.step}: ${text}`),
      mask: (text) => text.replaceAll('s3cret', '***'),
      lastLines: (address: StepAddress) => [`last of ${address.step}#${address.attempt}`],
      ...ports,
    },
    signal ?? abort.signal,
  );
  return {
    clock,
    shell,
    git: gitHandler,
    states,
    traces,
    lines,
    result,
    keys: () => shell.calls.map((call) => call.key),
    stop: (stopRequest) => abort.abort(stopRequest),
    last: () => states[states.length - 1] as RunState,
    call: (key) => {
      const found = [...shell.open, ...gitHandler.open].find((call) => call.key === key);
      if (found === undefined) throw new Error(`no open call ${key}`);
      return found;
    },
  };
}

/** Runs to the end at once; for runs that need no time. */
export async function finished(
  of: Plan,
  options: BenchOptions = {},
): Promise<Bench & { state: RunState }> {
  const bench = start(of, options);
  const { state } = await bench.result;
  return { ...bench, state };
}

/** `{ "build/install": "success" }`, stages as `"build"`. */
export function statuses(state: RunState): Record<string, string> {
  const all: Record<string, string> = {};
  for (const stage of state.stages) {
    all[stage.name] = stage.status;
    for (const one of stage.steps) all[`${stage.name}/${one.name}`] = one.status;
  }
  return all;
}

export function stepOf(state: RunState, stage: string, name: string): StepState {
  const list =
    stage === 'always'
      ? state.always
      : stage === 'on_failure'
        ? state.onFailure
        : state.stages.find((one) => one.name === stage)?.steps;
  const found = list?.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no step ${stage}/${name}`);
  return found;
}

export function reasonOf(state: RunState, stage: string, name?: string): Reason | undefined {
  if (name !== undefined) return stepOf(state, stage, name).reason;
  return state.stages.find((one) => one.name === stage)?.reason;
}
