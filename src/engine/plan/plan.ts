import type { ArtifactsPlan, ArtifactsSource } from './artifacts-plan.js';
import type { CachePlan } from './caches-plan.js';
import type { ReportsPlan } from './reports-plan.js';
import type { SidecarPlan } from './sidecar-plan.js';

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
  /** Names of secrets that every step gets as variables; absent = none. */
  readonly secrets?: readonly string[];
  /** Log-ins for images; absent = none. */
  readonly registries?: readonly RegistryPlan[];
  /** Run beside all stages, and the hooks; absent = none. */
  readonly sidecars?: readonly SidecarPlan[];
  /** Limit of the whole execution, milliseconds. */
  readonly timeoutMs: number;
  /** Number of further execution attempts when a worker is lost (the YAML's `retry_count`). */
  readonly retryCount: number;
  /** True: a further execution attempt keeps the stages that have passed; absent = it runs all. */
  readonly resume?: true;
  /** Which older executions of a branch or pull request end for a newer event; absent = none. */
  readonly supersede?: Supersede;
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

/** A log-in for one registry. */
export interface RegistryPlan {
  /** Host and port, normalised. */
  readonly registry: string;
  /** Names of secrets, both. */
  readonly username: string;
  readonly password: string;
}

/** A clone: of the pipeline's `repository`, or by a git step. Every text is a template. */
export interface RepositoryPlan {
  readonly url: string;
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
  /** Number of commits of history; absent = 1. 0 = all. */
  readonly depth?: number;
  /** Bring the tags; absent = with all of the history. */
  readonly tags?: boolean;
  /** Clone its submodules; `recursive`: also theirs. Absent = false. */
  readonly submodules?: boolean | 'recursive';
  /** Fetch files of Git LFS; absent = true. */
  readonly lfs?: boolean;
  /** Absent = those in the URL, or of the connected repository. */
  readonly credentials?: CredentialsPlan;
}

/** Names of the secrets that a clone uses: a token, user and password, or an SSH key. */
export interface CredentialsPlan {
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
  /** A private key in the form of OpenSSH. */
  readonly sshKey?: string;
  /** Lines of `known_hosts`; absent = those of the worker. */
  readonly knownHosts?: string;
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
  /** Of its steps, besides those of the pipeline. */
  readonly secrets?: readonly string[];
  /** Run beside its steps, besides those of the pipeline; absent = none. */
  readonly sidecars?: readonly SidecarPlan[];
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
  /** Besides those of its stage and of the pipeline. */
  readonly secrets?: readonly string[];
  readonly continueOnError: boolean;
  /** Limit of one attempt, milliseconds; absent = bounded by stage and execution only. */
  readonly timeoutMs?: number;
  readonly retry: RetryPlan;
  /**
   * Names of outputs that the step may set through `$CI_OUTPUT`; other names are an error of the
   * step.
   */
  readonly outputs: readonly string[];
  /** Brought into the workspace before each of its attempts; absent = nothing. */
  readonly artifactsFrom?: readonly ArtifactsSource[];
  /** Restored before each of its attempts and saved after it; absent = none. */
  readonly caches?: readonly CachePlan[];
  /** What of the workspace is kept after each of its attempts; absent = nothing. */
  readonly artifacts?: ArtifactsPlan;
  /** Files that say how its tests ended; absent = none. */
  readonly reports?: ReportsPlan;
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
/** `waiting`: those that run stay. */
export type Supersede = 'all' | 'waiting';

export interface RunContext {
  readonly executionId: string;
  readonly pipelineId: string;
  readonly pipelineName: string;
  /** Counted for each pipeline; undefined where nobody counts. */
  readonly executionNumber?: number | undefined;
  /** Where people find it; undefined where the server has no address. */
  readonly executionUrl?: string | undefined;
  /** Execution attempt, from 1. */
  readonly executionAttempt: number;
  /** Of what is in the workspace where nothing is cloned, without credentials. */
  readonly repositoryUrl?: string | undefined;
  readonly trigger: TriggerContext;
  /** Absent where nobody asks for it: `millrace run`. */
  readonly cause?: RunCause;
  readonly inputs: Readonly<Record<string, string | number | boolean>>;
  /** The trigger's `environment`: wins over every other level. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Who stands behind a run, for what needs the word of a person; no expression and no variable has
 * it.
 */
export interface RunCause {
  /** Id of the account that asked for it last; absent: none, or nobody that is known. */
  readonly asker?: string;
  /** Ids of all accounts that have caused it. */
  readonly accounts: readonly string[];
  /** Names of who caused the event and who wrote the commit, as the forge and the commit say. */
  readonly names: readonly string[];
  /** It is of the head of its branch, and of nothing that only its trigger has named. */
  readonly isOfBranch: boolean;
  readonly planHash: string;
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
  /** `owner/name` at the forge. */
  readonly repository_name?: string;
  readonly default_branch?: string;
  /** The commit that the branch or tag led to before. */
  readonly before?: string;
  /** Of a pull request. */
  readonly number?: number;
  readonly title?: string;
  readonly base?: { readonly branch: string; readonly commit?: string };
  readonly head?: { readonly branch: string };
  /** It comes from another repository. */
  readonly fork?: boolean;
  /** The body of the webhook of the pipeline, as it came. */
  readonly payload?: string;
}
