import type { Reason } from '../plan/run-state.js';
import { isTerminal } from '../plan/run-status.js';
import { askStage, waitingFor } from './node-gate.js';
import { reason } from './reasons.js';
import { settleNeeds, type StageNode } from './run-graph.js';
import type { RunSession } from './run-session.js';
import { StageRun, continuedReason, finishStep, stepRef } from './stage-run.js';
import type { StopCause } from './stop-scope.js';
import { stageFailedReason } from './when.js';

/**
 * Walks the DAG of stages. Needs are counted down as stages end, so that a stage is looked at when
 * it can be decided and not before; one that has begun is a `StageRun`.
 */
export class StageScheduler {
  private readonly begun = new Map<StageNode, StageRun>();
  /** Stages whose needs are over, not looked at yet. */
  private readonly ready: StageNode[] = [];
  private proceeding = false;
  private stagesLeft: number;
  private finish: () => void = () => undefined;

  /** Counts what an earlier run has left as over. */
  constructor(private readonly session: RunSession) {
    this.stagesLeft = session.stages.length;
    this.takeOver();
  }

  /**
   * Resolves when every stage is over, or when the run was interrupted and nothing runs any more.
   */
  async run(): Promise<void> {
    const { session } = this;
    const over = new Promise<void>((resolve) => (this.finish = resolve));
    for (const stage of session.stages) if (stage.needs.length === 0) this.ready.push(stage);
    session.work.onStop((cause) => {
      session.guard(() => this.stopUnbegun(cause));
      session.touch();
    });
    this.proceed();
    await over;
  }

  /** Ends every stage without beginning it, because the clone failed. */
  skipAll(why: Reason): void {
    for (const stage of this.session.stages) {
      if (!stage.over) this.endUnbegun(stage, why, 'skipped');
    }
  }

  private takeOver(): void {
    const { stages, store, outputs } = this.session;
    for (const step of stages.flatMap((stage) => stage.steps)) {
      const state = store.step(stepRef(step));
      if (!isTerminal(state.status)) continue;
      const isKnown = this.session.request.continueFrom !== undefined;
      if (state.outputs && !isKnown) outputs.set(step.stage.index, step.index, state.outputs);
      finishStep(step);
    }
    const kept = stages.filter((stage) => isTerminal(store.stageStatus(stage.index)));
    for (const stage of kept) stage.over = true;
    for (const stage of kept) this.leave(stage);
  }

  /** What ends while stages are looked at only adds to the list of the walk that continues. */
  private proceed(): void {
    if (this.proceeding) return;
    this.proceeding = true;
    for (let stage = this.ready.shift(); stage !== undefined; stage = this.ready.shift()) {
      if (stage.over || this.session.work.cause !== undefined) continue;
      settleNeeds(stage);
      this.decide(stage);
    }
    this.proceeding = false;
    this.session.touch();
    this.finishIfDone();
  }

  private finishIfDone(): void {
    if (this.stagesLeft === 0) return this.finish();
    if (this.proceeding || ![...this.begun.values()].every((run) => run.idle)) return;
    if (this.session.work.cause?.kind === 'interrupt') this.finish();
    else this.suspend();
  }

  /** Nothing runs and nothing is ready: what is left waits for something outside. */
  private suspend(): void {
    const waiting = [...this.begun.values()].filter((run) => run.suspension !== undefined);
    const [first] = waiting;
    if (first?.suspension === undefined || this.session.suspension !== undefined) return;
    if (this.session.firstFailure !== undefined) {
      const why = reason('run_failed', 'the run failed while it waited');
      for (const run of waiting) run.abandonWaiting(why);
      return;
    }
    this.session.suspension = first.suspension;
    for (const run of waiting) run.suspend(run.suspension ?? first.suspension);
    this.finish();
  }

  private decide(stage: StageNode): void {
    // Its `when` was asked when it began.
    if (this.session.store.hasBegun(stage.index)) return this.begin(stage, continuedReason());
    const answer = askStage(this.session, stage);
    if (answer.kind === 'run') return this.begin(stage, answer.reason);
    if (answer.kind === 'skip') return this.endUnbegun(stage, answer.reason, 'skipped');
    const why = answer.reason;
    this.session.noteFailure(why, { stage: stage.name, step: '', reason: why, lastLines: [] });
    stage.failed = true;
    this.endUnbegun(stage, why, 'failed');
  }

  private begin(stage: StageNode, why: Reason): void {
    const onOver = (): void => {
      this.begun.delete(stage);
      this.leave(stage);
      this.proceed();
    };
    const run = new StageRun(this.session, stage, why, onOver, () => this.finishIfDone());
    this.begun.set(stage, run);
    run.begin();
  }

  private stopUnbegun(cause: StopCause): void {
    if (cause.kind !== 'interrupt') {
      const status = cause.kind === 'cancel' ? 'cancelled' : 'skipped';
      for (const stage of this.session.stages) {
        if (!stage.over && !this.begun.has(stage)) this.endUnbegun(stage, cause.reason, status);
      }
    }
    this.proceed();
  }

  /** Ends a stage that never began, with all its steps. */
  private endUnbegun(
    stage: StageNode,
    why: Reason,
    status: 'skipped' | 'cancelled' | 'failed',
  ): void {
    const { store } = this.session;
    const stepStatus = status === 'failed' ? 'skipped' : status;
    const stepWhy = status === 'failed' ? stageFailedReason() : ofStage(stage, why);
    for (const step of stage.steps) {
      if (step.over) continue;
      store.moveStep(stepRef(step), stepStatus, { reason: stepWhy });
      finishStep(step);
    }
    store.moveStage(stage.index, status, why);
    this.leave(stage);
  }

  private leave(stage: StageNode): void {
    stage.over = true;
    this.stagesLeft -= 1;
    for (const dependent of stage.dependents) {
      dependent.open -= 1;
      if (dependent.over) continue;
      if (dependent.open === 0) this.ready.push(dependent);
      else this.session.store.explainStage(dependent.index, waitingFor(dependent));
    }
  }
}

/** The reason of a stage, told of its steps. */
export function ofStage(stage: Pick<StageNode, 'name'>, why: Reason): Reason {
  return {
    ...why,
    message: `stage "${stage.name}": ${why.message}`,
    data: { ...why.data, stage: stage.name },
  };
}
