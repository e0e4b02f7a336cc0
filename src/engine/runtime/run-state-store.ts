import type { AttemptState, Reason, RunState, StageState, StepState } from '../plan/run-state.js';
import type { RunStatus } from '../plan/run-state.js';
import { assertMove, isTerminal } from '../plan/run-status.js';

/** Where a step stands in the state. */
export type StepRef =
  | { readonly list: 'checkout' }
  | { readonly list: 'stages'; readonly stage: number; readonly step: number }
  | { readonly list: 'on_failure' | 'always'; readonly step: number };

/** What may change of a step beside its status; what is absent stays. */
export interface StepChange {
  readonly reason?: Reason;
  readonly exitCode?: number;
  readonly continuedOnError?: boolean;
  readonly flaky?: boolean;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly attempts?: readonly AttemptState[];
}

interface OpenStage {
  state: Omit<StageState, 'steps'>;
  readonly steps: StepState[];
  /** As it was published last; absent after a change. */
  published?: StageState;
}

/**
 * The state of a run while it changes. Every change makes new objects, so that what was published
 * stays as it was; changes of one turn are published together. All moves go through the transition
 * table, and what is terminal cannot be changed at all: either is a defect of the runtime and
 * throws.
 */
export class RunStateStore {
  private run: Omit<RunState, 'checkout' | 'stages' | 'onFailure' | 'always'>;
  private checkout: StepState | undefined;
  private readonly stages: OpenStage[];
  private readonly hooks: Readonly<Record<'on_failure' | 'always', StepState[]>>;
  private changed = true;
  private last: RunState | undefined;

  /**
   * `publish` gets each new state; `now` is the clock of the states; the execution attempt is that
   * of stages that begin.
   */
  constructor(
    initial: RunState,
    private readonly now: () => number,
    private readonly publish: (state: RunState) => void,
    private readonly executionAttempt = 1,
  ) {
    const { checkout, stages, onFailure, always, ...run } = initial;
    this.run = run;
    this.checkout = checkout;
    this.stages = stages.map(({ steps, ...state }) => ({ state, steps: [...steps] }));
    this.hooks = { on_failure: [...onFailure], always: [...always] };
  }

  get status(): RunStatus {
    return this.run.status;
  }

  stageStatus(stage: number): RunStatus {
    return this.stage(stage).state.status;
  }

  /** A step of it has started, in this run or in the one that it continues. */
  hasBegun(stage: number): boolean {
    return this.stage(stage).state.startedAt !== undefined;
  }

  step(ref: StepRef): StepState {
    const step =
      ref.list === 'checkout'
        ? this.checkout
        : ref.list === 'stages'
          ? this.stage(ref.stage).steps[ref.step]
          : this.hooks[ref.list][ref.step];
    if (step === undefined) throw new Error(`no such step: ${JSON.stringify(ref)}`);
    return step;
  }

  moveRun(to: RunStatus, reason?: Reason): void {
    assertMove('the run', this.run.status, to);
    this.run = { ...this.run, status: to, ...(reason && { reason }), ...this.times(this.run, to) };
    this.changed = true;
  }

  /** Sets what is known of the run besides its status. */
  note(facts: Pick<RunState, 'failure' | 'commit' | 'cloned'>): void {
    this.run = { ...this.run, ...facts };
    this.changed = true;
  }

  moveStage(index: number, to: RunStatus, reason: Reason): void {
    const stage = this.stage(index);
    assertMove(`stage "${stage.state.name}"`, stage.state.status, to);
    const isFirst = to === 'running' && stage.state.startedAt === undefined;
    const begun = isFirst ? { executionAttempt: this.executionAttempt } : {};
    this.setStage(stage, { status: to, reason, ...begun, ...this.times(stage.state, to) });
  }

  /** Why a stage waits has changed. */
  explainStage(index: number, reason: Reason): void {
    const stage = this.stage(index);
    refuseTerminal(`stage "${stage.state.name}"`, stage.state.status);
    this.setStage(stage, { reason });
  }

  moveStep(ref: StepRef, to: RunStatus, change: StepChange & { readonly reason: Reason }): void {
    const step = this.step(ref);
    assertMove(`step "${step.name}"`, step.status, to);
    this.setStep(ref, { ...step, status: to, ...change, ...this.times(step, to) });
  }

  /** Changes a step that stays where it is. */
  changeStep(ref: StepRef, change: StepChange): void {
    const step = this.step(ref);
    refuseTerminal(`step "${step.name}"`, step.status);
    this.setStep(ref, { ...step, ...change });
  }

  /** Publishes what changed since the last time, and returns the whole state. */
  flush(): RunState {
    if (!this.changed && this.last !== undefined) return this.last;
    this.changed = false;
    this.last = {
      ...this.run,
      ...(this.checkout && { checkout: this.checkout }),
      stages: this.stages.map(
        (stage) => (stage.published ??= { ...stage.state, steps: [...stage.steps] }),
      ),
      onFailure: [...this.hooks.on_failure],
      always: [...this.hooks.always],
    };
    this.publish(this.last);
    return this.last;
  }

  private stage(index: number): OpenStage {
    const stage = this.stages[index];
    if (stage === undefined) throw new Error(`no stage ${index}`);
    return stage;
  }

  private setStage(stage: OpenStage, change: Partial<StageState>): void {
    stage.state = { ...stage.state, ...change };
    stage.published = undefined;
    this.changed = true;
  }

  private setStep(ref: StepRef, state: StepState): void {
    if (ref.list === 'checkout') {
      this.checkout = state;
    } else if (ref.list === 'stages') {
      const stage = this.stage(ref.stage);
      stage.steps[ref.step] = state;
      stage.published = undefined;
    } else {
      this.hooks[ref.list][ref.step] = state;
    }
    this.changed = true;
  }

  /** Begin at the first `running`; end when it is terminal, for what had a beginning. */
  private times(
    from: { readonly startedAt?: number },
    to: RunStatus,
  ): { startedAt?: number; finishedAt?: number } {
    if (to === 'running' && from.startedAt === undefined) return { startedAt: this.now() };
    if (isTerminal(to) && from.startedAt !== undefined) return { finishedAt: this.now() };
    return {};
  }
}

function refuseTerminal(subject: string, status: RunStatus): void {
  if (isTerminal(status)) throw new Error(`${subject} is ${status} and cannot change`);
}
