import type { Reason } from '../plan/run-state.js';
import { LimitClock } from './limit-clock.js';
import { NEEDS_SHOWN, heldReason, slotReason } from './initial-state.js';
import { askStep, statusFunctions, waitingFor } from './node-gate.js';
import { nameList, reason } from './reasons.js';
import { settleNeeds, type StageNode, type StepNode } from './run-graph.js';
import type { RunSession } from './run-session.js';
import { sidecarsOf, startSidecars, waitForSidecars } from './run-sidecars.js';
import type { StepRef } from './run-state-store.js';
import { timeoutReason } from './step-attempt.js';
import { runStep, type StepEnd } from './step-run.js';
import { StopScope, type StopCause } from './stop-scope.js';
import { runsAfterFailure, stageFailedReason } from './when.js';

type StageStatus = 'success' | 'failed' | 'timeout' | 'cancelled' | 'skipped';

/** One stage that has begun: walks the DAG of its steps. */
export class StageRun {
  private readonly scope: StopScope;
  /**
   * Steps whose needs are over, not looked at yet. A list and not a recursion: chains can be long.
   */
  private readonly ready: StepNode[] = [];
  /** Scopes of steps that ask for their first slot. */
  private readonly unstarted = new Map<StepNode, StopScope>();
  /** Steps that wait for something outside, with why. */
  private readonly waiting = new Map<StepNode, Reason>();
  /** Why steps were no longer waited for. */
  private abandoned: Reason | undefined;
  private running = 0;
  /** Its sidecars are to be stopped before it ends; `starting`: and are not ready yet. */
  private sidecars: 'none' | 'starting' | 'up' | 'stopping' = 'none';
  /** Why its sidecars did not become ready. */
  private refused: Reason | undefined;
  /** Of its own limit; no time passes while all that is left of it waits for something outside. */
  private readonly clock: LimitClock;

  /**
   * `why` is why the stage runs. `onOver` is called once, when it is terminal; `onIdle` whenever
   * nothing of it runs any more (the end of a stage that is interrupted, which has no other).
   */
  constructor(
    private readonly session: RunSession,
    private readonly stage: StageNode,
    private readonly why: Reason,
    private readonly onOver: (stage: StageNode) => void,
    private readonly onIdle: () => void,
  ) {
    this.scope = new StopScope(session.work);
    const limit = stage.plan.timeoutMs;
    this.clock = new LimitClock(
      () => session.ports.clock.now(),
      (ms, callback) => session.after(ms, callback),
      limit,
      () => this.limitPassed(limit ?? 0),
      session.request.continueFrom?.memory.stagesRanMs[stage.index] ?? 0,
    );
  }

  get idle(): boolean {
    return this.running === 0;
  }

  /** Why it cannot end although nothing of it runs: a step waits for something outside. */
  get suspension(): Reason | undefined {
    const [first] = this.waiting;
    if (first === undefined) return undefined;
    const [{ name }, why] = first;
    const message = `step "${name}" of stage "${this.stage.name}" waits: ${why.message}`;
    return reason('suspended', message, { ...why.data, stage: this.stage.name, step: name });
  }

  /** Leaves it as it is, for a later run. */
  suspend(why: Reason): void {
    const { session, stage } = this;
    session.stagesRanMs.set(stage.index, this.clock.ranMs);
    this.clock.stop();
    this.scope.close();
    session.store.moveStage(stage.index, 'waiting', why);
  }

  /** The run has failed, so what its waiting steps wait for decides nothing any more. */
  abandonWaiting(why: Reason): void {
    this.abandoned = why;
    for (const step of this.waiting.keys()) step.failed = true;
    this.endWaiting('cancelled', why);
    this.proceed();
  }

  begin(): void {
    const { session, stage } = this;
    if (session.store.stageStatus(stage.index) === 'waiting') {
      session.store.moveStage(stage.index, 'pending', slotReason());
    }
    this.scope.onStop((cause) => {
      session.guard(() => this.stop(cause));
      session.touch();
    });
    if (sidecarsOf(session, stage).length > 0) this.startSidecars();
    else this.beginSteps();
  }

  private beginSteps(): void {
    for (const step of this.stage.steps) {
      if (step.over) continue;
      if (step.open === 0) this.ready.push(step);
      else this.explain(step);
    }
    this.proceed();
  }

  private startSidecars(): void {
    const { session, stage } = this;
    this.running += 1;
    this.sidecars = 'starting';
    waitForSidecars(session, stage.index, sidecarsOf(session, stage));
    session.touch();
    const end = startSidecars(session, stage, this.scope);
    end.then(
      (refused) => session.guard(() => this.sidecarsStarted(refused)),
      (error: unknown) => session.breakOff(error),
    );
  }

  private sidecarsStarted(refused: Reason | undefined): void {
    this.running -= 1;
    this.sidecars = 'up';
    this.refused = refused;
    this.session.store.moveStage(this.stage.index, 'pending', slotReason());
    if (refused !== undefined) {
      for (const step of this.stage.steps.filter(({ over }) => !over)) {
        this.session.store.moveStep(stepRef(step), 'skipped', { reason: stageFailedReason() });
        finishStep(step);
      }
    }
    this.beginSteps();
  }

  /** Every step is over: so is the stage, once its sidecars are. */
  private finish(): void {
    const { session, stage } = this;
    if (this.sidecars === 'starting' || this.sidecars === 'stopping') return;
    if (this.sidecars === 'none') return this.close();
    // How it ended is decided: no limit and no cancel changes that while they stop.
    this.clock.stop();
    this.scope.close();
    this.sidecars = 'stopping';
    this.running += 1;
    session.sidecarHost.stop(stage.name).then(
      () =>
        session.guard(() => {
          this.running -= 1;
          this.sidecars = 'none';
          this.proceed();
        }),
      (error: unknown) => session.breakOff(error),
    );
  }

  private proceed(): void {
    for (let step = this.ready.shift(); step !== undefined; step = this.ready.shift()) {
      if (step.over || this.scope.cause !== undefined) continue;
      settleNeeds(step);
      this.decide(step);
    }
    if (this.stage.openSteps === 0 && !this.stage.over) this.finish();
    this.session.touch();
    if (this.idle) this.onIdle();
  }

  private decide(step: StepNode): void {
    if (this.isAskedAgain(step)) return this.start(step, continuedReason());
    const answer = askStep(this.session, step);
    switch (answer.kind) {
      case 'run':
        return this.start(step, answer.reason);
      case 'skip':
        this.session.store.moveStep(stepRef(step), 'skipped', { reason: answer.reason });
        return this.leave(step);
      case 'error':
        return this.failUndecided(step, answer.reason);
    }
  }

  /** It waits since an earlier run, of which this one is the rest. */
  private isAskedAgain(step: StepNode): boolean {
    return this.session.store.step(stepRef(step)).attempts.at(-1)?.status === 'waiting';
  }

  /** Its `when` could not be evaluated: it failed without an attempt. */
  private failUndecided(step: StepNode, why: Reason): void {
    const { continueOnError } = step.plan;
    this.session.store.moveStep(stepRef(step), 'failed', {
      reason: why,
      ...(continueOnError && { continuedOnError: true }),
    });
    if (!continueOnError) this.noteFailed(step, why, []);
    this.leave(step);
  }

  private start(step: StepNode, why: Reason): void {
    const { session, stage } = this;
    const scope = new StopScope(this.scope);
    this.unstarted.set(step, scope);
    this.running += 1;
    session.store.moveStep(stepRef(step), 'pending', { reason: slotReason() });
    const end = runStep(session, {
      ref: stepRef(step),
      plan: step.plan,
      stageName: stage.name,
      stage,
      status: statusFunctions(step),
      why,
      scope,
      maySuspend: true,
      ask: (grant) =>
        session.slots.ask(stage.index, step.position, grant, (by) =>
          session.store.changeStep(stepRef(step), { reason: heldReason(by) }),
        ),
      release: () => session.slots.release(stage.index),
      onStart: () => {
        this.unstarted.delete(step);
        this.firstStart();
      },
    });
    end.then(
      (result) => session.guard(() => this.stepEnded(step, scope, result)),
      (error: unknown) => session.breakOff(error),
    );
  }

  private stepEnded(step: StepNode, scope: StopScope, end: StepEnd): void {
    scope.close();
    this.unstarted.delete(step);
    this.running -= 1;
    if (end.kind === 'suspended') this.waiting.set(step, end.reason);
    if ('outputs' in end && end.outputs !== undefined) {
      this.session.outputs.set(this.stage.index, step.index, end.outputs);
    }
    if (end.kind === 'failed' && end.counts) {
      const lines = this.session.ports.lastLines(end.address);
      this.noteFailed(step, end.reason, lines, end.exitCode);
    }
    if (end.kind !== 'interrupted' && end.kind !== 'suspended') this.leave(step);
    this.proceed();
    if (this.idle && this.waiting.size > 0) this.clock.pause();
  }

  /** Fails the stage, and skips what has not started of it; what runs continues to its end. */
  private noteFailed(
    step: StepNode,
    why: Reason,
    lastLines: readonly string[],
    exitCode?: number,
  ): void {
    const { stage } = this;
    step.failed = true;
    stage.failed = true;
    const message = `step "${step.name}" of stage "${stage.name}" failed: ${why.message}`;
    const data = { stage: stage.name, step: step.name };
    this.session.noteFailure(reason('step_failed', message, data), {
      stage: stage.name,
      step: step.name,
      ...(exitCode !== undefined && { exitCode }),
      reason: why,
      lastLines,
    });
    for (const [other, scope] of [...this.unstarted]) {
      if (runsAfterFailure(other.plan.when)) continue;
      scope.stop({ kind: 'skip', reason: stageFailedReason() });
    }
  }

  private leave(step: StepNode): void {
    finishStep(step);
    for (const dependent of step.dependents) {
      if (dependent.over) continue;
      if (dependent.open === 0) this.ready.push(dependent);
      else this.explain(dependent);
    }
  }

  /** The first attempt of the first step: the stage's clock starts. */
  private firstStart(): void {
    const { session, stage } = this;
    this.clock.run();
    if (session.store.stageStatus(stage.index) === 'running') return;
    session.store.moveStage(stage.index, 'running', this.why);
  }

  private limitPassed(limit: number): void {
    const { session, stage } = this;
    const why = timeoutReason('stage', limit);
    const data = { stage: stage.name, limit_ms: limit };
    const message = `stage "${stage.name}": ${why.message}`;
    session.noteFailure(reason('stage_timeout', message, data));
    this.scope.stop({ kind: 'timeout', scope: 'stage', reason: why });
  }

  /** Ends the steps that have not asked for a slot yet; the others hear it themselves. */
  private stop(cause: StopCause): void {
    this.clock.stop();
    if (cause.kind !== 'interrupt') {
      const status = cause.kind === 'cancel' ? 'cancelled' : 'skipped';
      this.endWaiting(cause.kind === 'timeout' ? 'timeout' : 'cancelled', cause.reason);
      for (const step of this.stage.steps) {
        if (step.over || this.unstarted.has(step) || this.hasStarted(step)) continue;
        this.session.store.moveStep(stepRef(step), status, { reason: cause.reason });
        finishStep(step);
      }
    }
    this.proceed();
  }

  private endWaiting(status: 'cancelled' | 'timeout', why: Reason): void {
    const steps = [...this.waiting.keys()];
    this.waiting.clear();
    for (const step of steps) {
      this.session.store.moveStep(stepRef(step), status, { reason: why });
      this.leave(step);
    }
  }

  private hasStarted(step: StepNode): boolean {
    return this.session.store.step(stepRef(step)).attempts.length > 0;
  }

  private close(): void {
    const { session, stage } = this;
    this.clock.stop();
    this.scope.close();
    const end = this.end();
    const hasRun = session.store.stageStatus(stage.index) === 'running';
    const status = end.status === 'timeout' && !hasRun ? 'skipped' : end.status;
    if (status === 'success' && !hasRun) session.store.moveStage(stage.index, 'running', this.why);
    session.store.moveStage(stage.index, status, end.reason);
    stage.failed = status === 'failed' || status === 'timeout' || this.abandoned !== undefined;
    this.onOver(stage);
  }

  private end(): { readonly status: StageStatus; readonly reason: Reason } {
    const { cause } = this.scope;
    if (cause?.kind === 'timeout') return { status: 'timeout', reason: cause.reason };
    if (this.refused !== undefined) return { status: 'failed', reason: this.refused };
    const { steps } = this.stage;
    const statuses = steps.map((step) => this.session.store.step(stepRef(step)).status);
    if (cause?.kind === 'cancel' && statuses.includes('cancelled')) {
      return { status: 'cancelled', reason: cause.reason };
    }
    const failed = steps
      .filter((step, index) => step.failed && statuses[index] !== 'cancelled')
      .map((step) => step.name);
    if (failed.length > 0) {
      const data = { steps: failed.slice(0, NEEDS_SHOWN) };
      const why = reason('step_failed', `failed: ${nameList(failed)}`, data);
      return { status: 'failed', reason: why };
    }
    if (this.abandoned !== undefined) return { status: 'cancelled', reason: this.abandoned };
    if (statuses.every((status) => status === 'skipped')) {
      const why = reason('steps_skipped', 'every step of it was skipped');
      return { status: 'skipped', reason: why };
    }
    return { status: 'success', reason: this.why };
  }

  private explain(step: StepNode): void {
    this.session.store.changeStep(stepRef(step), { reason: waitingFor(step) });
  }
}

export function continuedReason(): Reason {
  return reason('started', 'continues what waited for something outside');
}

export function stepRef(step: StepNode): StepRef {
  return { list: 'stages', stage: step.stage.index, step: step.index };
}

/** Counts a step as over, for its stage and for what needs it. */
export function finishStep(step: StepNode): void {
  step.over = true;
  step.stage.openSteps -= 1;
  for (const dependent of step.dependents) dependent.open -= 1;
}
