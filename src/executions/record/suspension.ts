import type { InputValue } from '../../engine/inputs/resolve-inputs.js';
import type { RunStatus } from '../../engine/plan/run-state.js';
import { type Approval, isSaidAgain } from '../../environments/approval.js';
import type { StoredReason } from './stored-state.js';

/** A try of a step that waits for people. */
export interface WaitingStep {
  readonly stage: string;
  readonly step: string;
  /** Of the step, from 1. */
  readonly attempt: number;
}

/** What somebody has said to a step. */
export interface StepApproval extends Approval, WaitingStep {
  /** Names are values: users choose them. */
  readonly inputs: readonly NamedInput[];
}

export interface NamedInput {
  readonly name: string;
  readonly value: InputValue;
}

/** What was decided of a step that waits. */
export interface StepAnswer extends WaitingStep {
  /** `look`: what it waited for has changed, and the step says itself what becomes of it. */
  readonly kind: 'approved' | 'rejected' | 'timeout' | 'look';
  readonly reason: StoredReason;
  /** Outputs of the step; of one that was not approved none. */
  readonly inputs: readonly NamedInput[];
}

/** Where an execution is that was suspended: what a later attempt continues from. */
export interface Suspension {
  /** The execution attempt that was suspended. Its workspace is kept under its number. */
  readonly attempt: number;
  readonly at: Date;
  /** Bytes of the files of the workspace. */
  readonly bytes: number;
  /** How the run stood (`SuspendedRun`), sealed for `suspensionContext`; absent: it is over. */
  readonly sealed?: string | undefined;
  /** What the next attempt tells the steps; none while it waits. */
  readonly answers: readonly StepAnswer[];
  /** An execution attempt that has restored the workspace: its steps may have begun. */
  readonly continued_in: number | null;
}

/**
 * For so long an execution was `waiting`, ms, the wait that is not over included. What others need
 * to take it up again is no part of it. Pure.
 */
export function waitedMs(
  {
    status,
    waited = 0,
    suspension,
  }: {
    readonly status?: RunStatus;
    readonly waited?: number | undefined;
    readonly suspension?: Pick<Suspension, 'at'> | undefined;
  },
  now: Date,
): number {
  if (status !== 'waiting' || suspension === undefined) return waited;
  return waited + Math.max(0, now.getTime() - suspension.at.getTime());
}

export function suspensionContext(executionId: string): string {
  return `executions:${executionId}:suspension`;
}

export function isSameStep(one: WaitingStep, other: WaitingStep): boolean {
  return one.stage === other.stage && one.step === other.step && one.attempt === other.attempt;
}

/** The same for the same inputs. */
export function textOfInputs(inputs: readonly NamedInput[]): string {
  return JSON.stringify(inputs.map(({ name, value }) => [name, value]));
}

/** Whether it is of the same step, and the same person says the same with the same inputs. */
export function isSameWord(one: StepApproval, other: StepApproval): boolean {
  const areSameInputs = textOfInputs(one.inputs) === textOfInputs(other.inputs);
  return isSameStep(one, other) && isSaidAgain(one, other) && areSameInputs;
}
