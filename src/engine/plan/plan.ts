/**
 * The plan: what the compiler makes of one pipeline version and what the runtime executes.
 *
 * A plan is plain JSON (no functions, no dates, no `undefined` inside arrays), so it is stored,
 * hashed and sent as it is. Everything that a trigger event decides (branch, commit, inputs, its
 * `environment`) is not in it: that is the `RunContext`, so that one stored plan serves every run
 * of a version.
 *
 * Texts that may hold `${{ }}` are called templates and are kept as they were written; they are
 * evaluated when the step starts, because they may read outputs of earlier steps.
 */
export interface Plan {
  /**
   * Rises when the meaning of a stored plan changes; a runtime refuses a format that it does not
   * know.
   */
  readonly format: 1;
  readonly name: string;
  readonly description?: string;
  /** What is cloned into the workspace before the first stage; absent = an empty workspace. */
  readonly repository?: RepositoryPlan;
  /** Pipeline-level variables, values are templates. */
  readonly environment: Environment;
  /** Limit of the whole execution, milliseconds. */
  readonly timeoutMs: number;
  /** Number of further execution attempts when a worker is lost (the YAML's `retry_count`). */
  readonly retryCount: number;
  /** Worker labels that every execution needs, sorted, without duplicates. */
  readonly runsOn: readonly string[];
  /** In the order of the text. */
  readonly stages: readonly StagePlan[];
  /** Run after the stages when the execution failed or timed out, before `always`. */
  readonly onFailure: readonly StepPlan[];
  /** Run last, also after a cancel. */
  readonly always: readonly StepPlan[];
}

/** Variable names to templates. */
export type Environment = Readonly<Record<string, string>>;

/** A clone: of the pipeline's `repository`, or by a git step. Every text is a template. */
export interface RepositoryPlan {
  readonly url: string;
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
  /** Number of commits of history; absent = 1. 0 = all. */
  readonly depth?: number;
}

export interface StagePlan {
  readonly name: string;
  /** Names of stages that must be over first; the compiler writes the implicit ones out. */
  readonly needs: readonly string[];
  /**
   * True when `needs` was written in the YAML (an implicit need of every stage above reads
   * otherwise in `explain`).
   */
  readonly explicitNeeds: boolean;
  /** The `when` expression, without `${{ }}`. */
  readonly when?: string;
  readonly environment: Environment;
  /** Limit of the stage, milliseconds; absent = none of its own. */
  readonly timeoutMs?: number;
  /**
   * At most so many steps of this stage at once. Sequential stages express their order by the
   * steps' `needs`.
   */
  readonly maxParallel: number;
  /** In the order of the text. */
  readonly steps: readonly StepPlan[];
}

export interface StepPlan {
  /** Unique within its stage. */
  readonly name: string;
  /**
   * Names of steps of the same stage; the compiler writes the implicit ones (the step above) out.
   */
  readonly needs: readonly string[];
  readonly explicitNeeds: boolean;
  readonly when?: string;
  readonly action: StepAction;
  readonly environment: Environment;
  readonly continueOnError: boolean;
  /** Limit of one attempt, milliseconds; absent = bounded by stage and execution only. */
  readonly timeoutMs?: number;
  readonly retry: RetryPlan;
  /**
   * Names of outputs that the step may set through `$CI_OUTPUT`; other names are an error of the
   * step.
   */
  readonly outputs: readonly string[];
}

/**
 * What a step does. Each kind has its own form of it (`engine/steps/<kind>`), and one `StepHandler`
 * that does it. Plain JSON, like all of a plan.
 */
export interface StepAction {
  readonly kind: string;
}

export interface RetryPlan {
  /** Further attempts after the first: 0..10. */
  readonly max: number;
  /** What is retried. */
  readonly on: readonly RetryCondition[];
  readonly backoff: { readonly initialMs: number; readonly factor: number; readonly maxMs: number };
}

/**
 * A class of failures: `failure` any exit code other than 0, `timeout` the step's own limit,
 * `infrastructure` the step could not be started or its machine failed it, `exit_code` one of the
 * codes listed.
 */
export type RetryCondition =
  'failure' | 'timeout' | 'infrastructure' | { readonly exitCodes: readonly number[] };

/** Everything about a run that its trigger event decides. Plain JSON. */
export interface RunContext {
  readonly executionId: string;
  readonly pipelineId: string;
  readonly pipelineName: string;
  /** Execution attempt, from 1. */
  readonly executionAttempt: number;
  readonly trigger: TriggerContext;
  readonly inputs: Readonly<Record<string, string | number | boolean>>;
  /** The trigger's `environment`: wins over every other level. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The root `trigger` of expressions, and the source of `CI_BRANCH` and its like. */
export interface TriggerContext {
  /**
   * `manual`, `push`, `pull_request`, `tag`, `schedule`, `webhook`, `cli`; a re-run has that of its
   * original.
   */
  readonly event: string;
  readonly branch?: string;
  readonly commit?: string;
  readonly tag?: string;
  readonly message?: string;
  readonly author?: string;
  /** Who or what triggered: a user's name, `token`, `cli`. */
  readonly actor?: string;
  /** Clone from here instead of the pipeline's `repository`. */
  readonly repository?: string;
  /** Id of the execution that is run again. */
  readonly rerun_of?: string;
}
