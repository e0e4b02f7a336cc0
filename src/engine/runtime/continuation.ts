import { nameRecord } from '../../common/values/name-record.js';
import type { TriggerContext } from '../plan/plan.js';
import type { RunState } from '../plan/run-state.js';
import type { CheckoutFacts } from './step-environment.js';

/**
 * What a run that is suspended knows beside its state. Plain JSON. It holds what no state shows:
 * outputs as they are, so it is kept like a secret.
 */
export interface RunMemory {
  /** Of steps of stages that are over, by their places in the plan. */
  readonly outputs: readonly KeptOutputs[];
  readonly checkout: CheckoutFacts;
  /** What `trigger.*` says since the clone; what is absent it does not say. */
  readonly refs: Pick<TriggerContext, 'branch' | 'tag' | 'commit'>;
  /** For so long it ran, ms: its limit counts on from there. */
  readonly ranMs: number;
  /** The same of its stages, by their places in the plan; absent = no time. */
  readonly stagesRanMs: readonly (number | null)[];
}

export interface KeptOutputs {
  readonly stage: number;
  readonly step: number;
  /** Names and values. */
  readonly values: readonly (readonly [string, string])[];
}

/** Where a suspended run continues: what was over stays, and what waited is asked again. */
export interface Continuation {
  /** The last state of the run. */
  readonly state: RunState;
  readonly memory: RunMemory;
}

export function outputsOf({ values }: KeptOutputs): Readonly<Record<string, string>> {
  return nameRecord(values);
}
