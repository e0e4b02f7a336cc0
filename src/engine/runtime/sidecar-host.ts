import type { Reason } from '../plan/run-state.js';
import type { SidecarPlan } from '../plan/sidecar-plan.js';
import type { StepAddress } from './step-handler.js';

/** A sidecar to start, with every text evaluated. */
export interface SidecarStart {
  /** As steps have one: its stage, or `''`, and `sidecar:<name>`. */
  readonly address: StepAddress;
  readonly plan: SidecarPlan;
  /** All of its variables beside those of its image. */
  readonly environment: Readonly<Record<string, string>>;
}

export type SidecarsStarted =
  | { readonly kind: 'ready' }
  /** The signal came first. */
  | { readonly kind: 'aborted' }
  /** Of the first one that did not become ready; the others were told to stop waiting. */
  | {
      readonly kind: 'failed';
      readonly address: StepAddress;
      readonly reason: Reason;
      readonly exitCode?: number;
    };

/**
 * Port of the runtime: runs the sidecars of one run. `start` and `stop` may be called concurrently
 * for different stages, at most once for each. They reject only for a defect of ours.
 */
export abstract class SidecarHost {
  /**
   * Starts them, each once those that it needs are ready; these stand before it. Resolves when all
   * are ready, or when nothing of this call waits any more; what was started then still runs.
   */
  abstract start(sidecars: readonly SidecarStart[], signal: AbortSignal): Promise<SidecarsStarted>;
  /** Ends those of a stage, the last one first: TERM, 8 s for all of them, KILL. */
  abstract stop(stage: string): Promise<void>;
  /** Ends all that still run in the same way. Idempotent. */
  abstract stopAll(): Promise<void>;
}
