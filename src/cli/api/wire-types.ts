import type { ShownProblem } from '../terminal/problem-list.js';

/** The parts of the API's answers that the command line shows (docs/api.md); times are ISO 8601. */
export interface Reason {
  readonly code: string;
  readonly message: string;
}

export interface Outcome {
  readonly status: string;
  readonly reason: Reason | null;
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly duration: number | null;
}

export interface PipelineSummary {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly version: number;
  /** Servers that know nothing of it leave it out. */
  readonly enabled?: boolean;
  readonly created_at: string;
  readonly updated_at: string;
}

export interface SavedPipeline extends PipelineSummary {
  readonly warnings: readonly ShownProblem[];
}

export interface WholePipeline extends PipelineSummary {
  readonly triggers: readonly unknown[];
  readonly stages: readonly { readonly name?: string; readonly steps?: readonly unknown[] }[];
  readonly timeout: number;
}

export interface Validation {
  readonly valid: boolean;
  readonly name: string | null;
  readonly problems: readonly ShownProblem[];
}

export interface Accepted {
  readonly execution_id: string;
  readonly message: string;
}

export interface TriggerInfo {
  readonly trigger_type: string;
  readonly triggered_by: string;
  readonly branch?: string;
  readonly tag?: string;
  readonly commit_hash?: string;
}

export interface ExecutionSummary extends Outcome {
  readonly id: string;
  readonly pipeline_id: string;
  readonly pipeline_name: string;
  readonly pipeline_version: number;
  readonly trigger_info: TriggerInfo;
  readonly commit: {
    readonly sha: string;
    readonly message: string;
    readonly author: string;
  } | null;
  readonly attempt: number;
  readonly created_at: string;
}

export interface Step extends Outcome {
  readonly name: string;
  readonly exit_code: number | null;
  readonly continued_on_error: boolean;
  readonly flaky: boolean;
  readonly attempts: readonly unknown[];
}

export interface Stage extends Outcome {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface Placement {
  readonly attempt: number;
  readonly worker_name: string;
  readonly claimed_at: string;
  readonly reason: Reason | null;
}

export interface Failure {
  readonly stage: string;
  readonly step: string;
  readonly reason: Reason;
  readonly last_lines: readonly string[];
}

export interface Execution extends ExecutionSummary {
  readonly checkout: Step | null;
  readonly stages: readonly Stage[];
  readonly on_failure: readonly Step[];
  readonly always: readonly Step[];
  readonly failure: Failure | null;
  readonly placements: readonly Placement[];
}

/** What `status` and `done` events say of a step. */
export interface LiveStep {
  readonly name: string;
  readonly status: string;
  readonly reason: Reason | null;
}

/** Data of the events `status` and `done`. */
export interface LiveExecution {
  readonly status: string;
  readonly reason: Reason | null;
  readonly checkout: LiveStep | null;
  readonly stages: readonly { readonly name: string; readonly steps: readonly LiveStep[] }[];
  readonly on_failure: readonly LiveStep[];
  readonly always: readonly LiveStep[];
}

export interface LogLine {
  readonly seq: number;
  readonly ts: string;
  readonly stream: string;
  readonly stage: string;
  readonly step: string;
  readonly attempt: number;
  readonly text: string;
  readonly continues?: boolean;
}

export interface When {
  readonly expression: string;
  readonly result: boolean;
  readonly parts: readonly { readonly text: string; readonly value: unknown }[];
}

export interface ExplainedStep {
  readonly name: string;
  readonly status: string;
  readonly reason: Reason | null;
  readonly when: When | null;
  readonly attempts: readonly (Reason | null)[];
}

export interface ExplainedStage extends Omit<ExplainedStep, 'attempts'> {
  readonly steps: readonly ExplainedStep[];
}

export interface Explanation {
  readonly id: string;
  readonly status: string;
  readonly reason: Reason | null;
  readonly trigger: string;
  readonly queue: {
    readonly labels: readonly string[];
    readonly ahead: number;
    readonly workers: number;
    readonly free_slots: number;
    readonly refusals: readonly Reason[];
  } | null;
  readonly placements: readonly Placement[];
  readonly checkout: ExplainedStep | null;
  readonly stages: readonly ExplainedStage[];
  readonly on_failure: readonly ExplainedStep[];
  readonly always: readonly ExplainedStep[];
}

export interface PlannedWhen {
  readonly expression: string;
  /** null = not known yet, or not asked. */
  readonly result: boolean | null;
  readonly parts: readonly {
    readonly text: string;
    readonly value: unknown;
    readonly known: boolean;
  }[];
}

export interface PlannedStep {
  readonly name: string;
  readonly verdict: string;
  readonly reason: Reason;
  readonly when: PlannedWhen | null;
  readonly needs: readonly string[];
}

export interface PlannedStage extends PlannedStep {
  readonly steps: readonly PlannedStep[];
}

export interface PlannedPipeline {
  readonly name: string;
  readonly repository: {
    readonly url: string;
    readonly branch: string | null;
    readonly tag: string | null;
    readonly commit: string | null;
  } | null;
  readonly timeout: number;
  readonly retry_count: number;
  readonly runs_on: readonly string[];
  /** Absent from older servers. */
  readonly worker_max_parallel_steps: number | undefined;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly stages: readonly PlannedStage[];
  readonly on_failure: readonly PlannedStep[];
  readonly always: readonly PlannedStep[];
}

export interface TriggerDecision {
  readonly event: string;
  readonly starts: boolean;
  readonly reason: Reason;
  readonly rules: readonly { readonly event: string; readonly reason: Reason }[];
}

export interface ValidPlan {
  readonly valid: true;
  readonly problems: readonly ShownProblem[];
  readonly plan: PlannedPipeline;
  readonly decision: TriggerDecision;
  readonly mermaid: string;
}

export interface InvalidPlan {
  readonly valid: false;
  readonly problems: readonly ShownProblem[];
}

export interface Worker {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly labels: readonly string[];
  readonly concurrency: number;
  readonly version: string;
  readonly status: string;
  readonly running: number;
  readonly refusal: Reason | null;
  readonly heartbeat_at: string;
}

export interface ListOf<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}
