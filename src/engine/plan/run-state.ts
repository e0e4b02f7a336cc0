import type { TestCounts } from '../../common/values/test-counts.js';
import type { ApprovalFacts } from './approval-facts.js';

/**
 * The state of a run: what the runtime reports, what is stored on the execution, and what a later
 * attempt resumes from.
 */

/**
 * One vocabulary for execution, stage and step. `waiting` is always with a reason; the last five
 * are terminal.
 */
export type RunStatus =
  'pending' | 'waiting' | 'running' | 'success' | 'failed' | 'cancelled' | 'timeout' | 'skipped';

/**
 * Why something did or did not happen. `code` is stable and documented (docs/reasons.md), `message`
 * is for people, masked.
 */
export interface Reason {
  readonly code: string;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface StageState {
  readonly name: string;
  readonly status: RunStatus;
  readonly reason?: Reason;
  /** The execution attempt in which it began. */
  readonly executionAttempt?: number;
  /** Milliseconds since the epoch. */
  readonly startedAt?: number;
  readonly finishedAt?: number;
  /** In the order of the plan. */
  readonly steps: readonly StepState[];
}

export interface StepState {
  readonly name: string;
  readonly status: RunStatus;
  /** Why it ran, waits, was skipped or ended as it did; always there once the step is decided. */
  readonly reason?: Reason;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  /** Of the last attempt; absent when no process ended by itself. */
  readonly exitCode?: number;
  /** True: failed, but its stage continues. */
  readonly continuedOnError?: boolean;
  /** Passed after at least one failed attempt. */
  readonly flaky?: boolean;
  readonly outputs?: Readonly<Record<string, string>>;
  /** Every try of this step in this execution attempt, oldest first. */
  readonly attempts: readonly AttemptState[];
}

export interface AttemptState extends AttemptFacts {
  /** From 1. */
  readonly number: number;
  readonly status: RunStatus;
  readonly reason?: Reason;
  readonly startedAt: number;
  readonly finishedAt?: number;
  readonly exitCode?: number;
  readonly signal?: string;
  /** What it consisted of, in order; absent = of its command alone. */
  readonly phases?: readonly PhaseState[];
}

/** What a handler tells of a try beside its end. What is not there did not happen. */
export interface AttemptFacts {
  /** It ran in a container of it. */
  readonly image?: ImageFacts;
  readonly caches?: readonly CacheFacts[];
  /** What it left to be kept. */
  readonly artifacts?: ArtifactFacts;
  /** What its reports say. */
  readonly tests?: TestCounts;
  /** What it puts into service. */
  readonly deployment?: DeploymentFacts;
  /** What it asks of people. */
  readonly approval?: ApprovalFacts;
}

export interface DeploymentFacts {
  readonly id: string;
  readonly environment: string;
  readonly service: string;
}

/** Why a cache was found or not, and why it was saved or not. */
export interface CacheFacts {
  /** A tool, or the paths. */
  readonly name: string;
  readonly restored: Reason;
  readonly saved?: Reason;
}

export interface ArtifactFacts {
  readonly files: number;
  readonly bytes: number;
}

/**
 * `pull` fetches the image, `ready` makes the container, `command` is what the step does: the limit
 * of the step is that of it alone; `collect` takes back what it left.
 */
export const STEP_PHASES = ['restore', 'pull', 'ready', 'command', 'collect'] as const;

export type StepPhase = (typeof STEP_PHASES)[number];

export interface PhaseState {
  readonly name: StepPhase;
  readonly startedAt: number;
  readonly finishedAt?: number;
}

export interface ImageFacts {
  /** As the step named it. */
  readonly name: string;
  /** `sha256:…` of the registry, else of the engine; the whole execution uses this one. */
  readonly digest: string;
}

/**
 * The value of every part of a `when`, stored so that the API can say why. Values are masked JSON,
 * at most 200 characters each.
 */
export interface WhenTrace {
  readonly expression: string;
  readonly result: boolean;
  readonly parts: readonly { readonly text: string; readonly value: unknown }[];
}

/** The whole state of a run; `hooks` are the steps of `on_failure` and `always`. */
export interface RunState {
  readonly status: RunStatus;
  readonly reason?: Reason;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  /** The clone of the pipeline's repository, when there is one. */
  readonly checkout?: StepState;
  readonly stages: readonly StageState[];
  readonly onFailure: readonly StepState[];
  readonly always: readonly StepState[];
  /** First failure: where, its exit code and its last lines (at most 20, masked). */
  readonly failure?: RunFailure;
  /** Filled by the checkout. */
  readonly commit?: CommitInfo;
  /**
   * Filled by the checkout: what `trigger.*` and `CI_*` say from then on; no name that holds a
   * secret.
   */
  readonly cloned?: ClonedRefs;
}

/** What a later run begins from. */
export type EarlierRun = Pick<RunState, 'stages' | 'commit'>;

export interface RunFailure {
  readonly stage: string;
  readonly step: string;
  readonly exitCode?: number;
  readonly reason: Reason;
  readonly lastLines: readonly string[];
}

/** What was cloned, by its names. No branch where only a tag or a commit was asked for. */
export interface ClonedRefs {
  readonly branch?: string;
  readonly tag?: string;
  /** The full SHA. */
  readonly commit: string;
}

export interface CommitInfo {
  readonly sha: string;
  readonly message: string;
  readonly author: string;
}
