import type { AttemptFacts, CommitInfo, Reason, StepPhase } from '../plan/run-state.js';
import type { ArtifactsPlan, ArtifactsSource } from '../plan/artifacts-plan.js';
import type { CachePlan } from '../plan/caches-plan.js';
import type { ReportsPlan } from '../plan/reports-plan.js';
import type { StepAction } from '../plan/plan.js';

/**
 * Identity of one try of one step; `stage` is `''` for the checkout and `on_failure` / `always` for
 * hooks.
 */
export interface StepAddress {
  readonly stage: string;
  readonly step: string;
  /** From 1. */
  readonly attempt: number;
}

/** One try of one step, with every template evaluated and every variable merged. */
export interface StepAttempt<A extends StepAction = StepAction> {
  readonly address: StepAddress;
  readonly action: A;
  /** The whole environment of the step: what the host says, platform variables, merged levels. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names that `$CI_OUTPUT` may set. */
  readonly outputs: readonly string[];
  /** With every text evaluated. */
  readonly caches?: readonly CachePlan[];
  readonly artifacts?: ArtifactsPlan;
  readonly artifactsFrom?: readonly ArtifactsSource[];
  readonly reports?: ReportsPlan;
  /** Its limit, ms; absent: it has none. */
  readonly timeoutMs?: number;
}

/**
 * How a try ended. *failed* means that the step failed; what is the platform's fault is
 * *infrastructure*.
 */
export type StepOutcome =
  | {
      readonly kind: 'success';
      readonly exitCode?: number;
      readonly outputs?: Readonly<Record<string, string>>;
      readonly commit?: CommitInfo;
      /**
       * Of a clone: the branch that HEAD follows, by the remote's word where none was asked for.
       */
      readonly branch?: string;
    }
  | {
      readonly kind: 'failed';
      readonly exitCode?: number;
      readonly signal?: string;
      readonly reason?: Reason;
      /** Another try would end the same way, whatever the step says of retries. */
      readonly isFinal?: true;
      /** What it had set whole before its end; here and below. */
      readonly outputs?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'infrastructure'; readonly reason: Reason }
  /**
   * It waits for something outside (an approval, another execution) and holds nothing meanwhile.
   * The run ends `suspended` when nothing else of it can run; begun again, it runs the whole stage.
   */
  | { readonly kind: 'suspended'; readonly reason: Reason }
  | {
      readonly kind: 'aborted';
      readonly exitCode?: number;
      readonly signal?: string;
      readonly outputs?: Readonly<Record<string, string>>;
    };

/** What a handler tells of a try while it runs. */
export interface StepProgress {
  /** A part of the try begins, and the one before ends; one that runs already continues. */
  begin(phase: StepPhase): void;
  /** What became known of the try; it stands in the place of what was told of the same before. */
  tell(facts: AttemptFacts): void;
}

/**
 * Port of the runtime: does what one kind of step asks for.
 *
 * `run` may be called concurrently for different addresses, at most once for each. When `signal`
 * aborts it must end everything it started (TERM, 8 s, KILL) and only then resolve with `aborted`,
 * or with the true outcome if the step ended first. It resolves after the step's last log line was
 * handed on. It rejects only for a defect of ours.
 */
export abstract class StepHandler<A extends StepAction = StepAction> {
  abstract readonly kind: A['kind'];
  abstract run(
    attempt: StepAttempt<A>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome>;
}
