import { Injectable } from '@nestjs/common';
import type { Reason } from '../../engine/plan/run-state.js';
import type { HoldState } from '../record/execution-moves.js';
import { executionReasons } from '../record/execution-reasons.js';
import { type ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import type { ExecutionAttempt } from './execution-attempt.js';

interface Running {
  /** The execution attempt by its number. */
  readonly number: number;
  readonly attempt: ExecutionAttempt;
}

/** The attempts that run in this process, and what comes to them from outside. */
@Injectable()
export class RunningAttempts {
  private readonly running = new Map<string, Running>();
  /** Claims under way: their execution is ours soon, or not at all. */
  private readonly claiming = new Set<string>();

  /** Attempts that ended here without an end that the database took. */
  private readonly failed = new Set<string>();

  constructor(private readonly executions: ExecutionsRepository) {}

  /** False: this process is at it already. */
  beginClaim(executionId: string): boolean {
    if (this.claiming.has(executionId) || this.running.has(executionId)) return false;
    this.claiming.add(executionId);
    return true;
  }

  endClaim(executionId: string): void {
    this.claiming.delete(executionId);
  }

  add(execution: ExecutionRecord, attempt: ExecutionAttempt): void {
    this.running.set(execution._id, { number: execution.attempt, attempt });
  }

  remove(executionId: string): void {
    this.running.delete(executionId);
  }

  /** The attempt ended, and its end could not be stored. */
  noteFailed({ _id, attempt }: Pick<ExecutionRecord, '_id' | 'attempt'>): void {
    this.failed.add(`${_id}.${attempt}`);
  }

  hasFailed({ _id, attempt }: Pick<ExecutionRecord, '_id' | 'attempt'>): boolean {
    return this.failed.has(`${_id}.${attempt}`);
  }

  /** True while this very attempt runs here, or a claim that may become it is under way. */
  holds(executionId: string, attempt: number): boolean {
    return this.claiming.has(executionId) || this.running.get(executionId)?.number === attempt;
  }

  /** What runs here. */
  get ids(): readonly string[] {
    return [...this.running.keys()];
  }

  get count(): number {
    return this.running.size;
  }

  /**
   * Reads what the database says of these executions (all that run here, if none is named) and acts
   * on it.
   */
  async check(executionIds: readonly string[] = [...this.running.keys()]): Promise<void> {
    const here = executionIds.filter((id) => this.running.has(id));
    if (here.length === 0) return;
    for (const state of await this.executions.holdStates(here)) this.apply(state);
  }

  /** Ends every attempt here; their executions are offered to other workers. */
  interruptAll(reason: Reason): void {
    for (const { attempt } of this.running.values()) attempt.stop({ kind: 'interrupt', reason });
  }

  /** Others declared this worker lost: nothing that runs here counts any more. */
  fenceAll(): void {
    for (const { attempt } of this.running.values()) attempt.fence(executionReasons.leaseLost());
  }

  private apply(state: HoldState): void {
    const running = this.running.get(state._id);
    if (!running) return;
    if (state.status !== 'running' || state.attempt !== running.number) {
      running.attempt.fence(executionReasons.leaseLost());
    } else if (state.cancel_requested) {
      const { by, reason } = state.cancel_requested;
      running.attempt.stop({ kind: 'cancel', reason: executionReasons.cancelled(by, reason) });
    }
  }
}
