import type { InputValue } from '../inputs/resolve-inputs.js';
import type { TriggerContext } from '../plan/plan.js';
import type { Reason } from '../plan/run-state.js';

/** What a run would do, told before there is one. Plain JSON. */
export interface RunPreview {
  readonly stages: readonly StagePreview[];
  readonly onFailure: readonly NodePreview[];
  readonly always: readonly NodePreview[];
}

export interface StagePreview extends NodePreview {
  readonly steps: readonly NodePreview[];
}

/**
 * - `runs`: as soon as what it needs is over, and has not failed unless `reason` says otherwise.
 * - `skipped`: never runs, whatever happens before.
 * - `depends`: on what happens before, or on what is known only when it runs.
 * - `fails`: never runs, because its `when` cannot be evaluated.
 */
export type Verdict = 'runs' | 'skipped' | 'depends' | 'fails';

export interface NodePreview {
  readonly name: string;
  readonly verdict: Verdict;
  readonly reason: Reason;
  /** Of its own `when`. */
  readonly trace?: PreviewTrace;
}

/**
 * The value of every part of a `when`, as far as it is known. Values are masked JSON, at most 200
 * characters each.
 */
export interface PreviewTrace {
  readonly expression: string;
  /** null = not known yet. */
  readonly result: boolean | null;
  readonly parts: readonly PreviewPart[];
}

export interface PreviewPart {
  readonly text: string;
  /** null while it is not known. */
  readonly value: unknown;
  readonly known: boolean;
}

/** What is known of a run before it is one. */
export interface PreviewContext {
  /** Absent = not stored yet. */
  readonly pipelineId?: string;
  readonly pipelineName: string;
  readonly trigger: TriggerContext;
  readonly inputs: Readonly<Record<string, InputValue>>;
  /** The trigger's `environment`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly mask: (text: string) => string;
}
