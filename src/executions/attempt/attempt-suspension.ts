import type { Logger } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { failPoint } from '../../common/fail-point.js';
import type { MaskSet } from '../../common/redaction/mask-set.js';
import { messageOf } from '../../common/values/error-message.js';
import type { RunState } from '../../engine/plan/run-state.js';
import type { RunResult } from '../../engine/runtime/run-ports.js';
import { databaseRetry } from '../../integrations/database/database-retry.js';
import { ObjectStoreError } from '../../integrations/object-store/object-store.js';
import type { Keyring } from '../../secrets/encryption/keyring.js';
import type { ContinueExecution } from '../approvals/continue-execution.js';
import { approvalReasons } from '../approvals/approval-reasons.js';
import type { Hold } from '../record/execution-moves.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import type { ExecutionsRepository, SuspendResult } from '../record/executions.repository.js';
import { closedPlacements } from '../record/closed-placements.js';
import { runOf } from '../record/stored-state.js';
import type { StepAnswer, Suspension } from '../record/suspension.js';
import {
  type KeptImage,
  openedRun,
  sealedRun,
  type SuspendedRun,
} from '../suspension/suspended-run.js';
import { SnapshotError, type WorkspaceSnapshots } from '../suspension/workspace-snapshots.js';
import type { PlanRun } from './plan-runs.js';

export interface SuspensionTools {
  readonly snapshots: WorkspaceSnapshots;
  readonly keyring: Keyring;
  readonly executions: ExecutionsRepository;
  readonly continuing: ContinueExecution;
  readonly logger: Pick<Logger, 'warn'>;
}

export type SuspendedResult = Extract<RunResult, { readonly kind: 'suspended' }>;

/** A suspended run whose workspace is kept, and what of that was not. */
export interface KeptRun {
  readonly bytes: number;
  readonly leftOut: readonly string[];
}

/** What is stored with a suspended run beside its state. */
export interface StoredWith {
  readonly masks: MaskSet;
  /** Of the workspace that is kept. */
  readonly bytes: number;
  /** Number of the last line of its log. */
  readonly lastSeq: number;
  readonly images: readonly KeptImage[];
}

const NO_DEADLINE = { deadlineMs: Infinity };
/** From one try to restore a workspace to the next; then it is given back to be tried elsewhere. */
const RESTORE_PAUSES_MS = [1_000, 2_000, 4_000, 8_000];

/** How an attempt lets its execution wait, and how another one continues. */
export class AttemptSuspension {
  constructor(
    private readonly hold: Hold,
    private readonly tools: SuspensionTools,
  ) {}

  /** @throws MissingKeyError, BrokenSealError */
  opened({ sealed = '' }: Suspension): SuspendedRun {
    return openedRun(this.tools.keyring, this.hold.executionId, sealed);
  }

  /**
   * Fills the workspace, and notes that steps may begin in it. A text: why it never can;
   * `unavailable`: not now; `fenced`: it is not this attempt's any more.
   *
   * @throws the reason of the signal, an error of the disk
   */
  async restore(
    planRun: PlanRun,
    { attempt }: Suspension,
    signal: AbortSignal,
  ): Promise<'restored' | 'unavailable' | 'fenced' | { readonly lost: string }> {
    for (const pause of [...RESTORE_PAUSES_MS, undefined]) {
      try {
        await planRun.restoreWorkspace(this.tools.snapshots, attempt, signal);
        break;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof SnapshotError) return { lost: error.message };
        if (!(error instanceof ObjectStoreError)) throw error;
        const { executionId } = this.hold;
        this.tools.logger.warn({ err: error, executionId }, 'workspace not restored yet');
        if (pause === undefined) return 'unavailable';
        await sleep(pause, undefined, { signal });
      }
    }
    failPoint('snapshot_restored');
    const { executions } = this.tools;
    const isOurs = await databaseRetry(() => executions.noteContinued(this.hold), NO_DEADLINE);
    return isOurs ? 'restored' : 'fenced';
  }

  /** A text: why it cannot be kept, so that it cannot wait. @throws the reason of the signal */
  async keep(planRun: PlanRun, signal: AbortSignal): Promise<KeptRun | string> {
    try {
      const { executions } = this.tools;
      // From now on it is removed whatever kills this process.
      await databaseRetry(() => executions.noteKeeping(this.hold), { ...NO_DEADLINE, signal });
      const { bytes, leftOut } = await planRun.keepWorkspace(this.tools.snapshots, signal);
      failPoint('snapshot_kept');
      return { bytes, leftOut: leftOut.map(({ path, reason }) => `${path} (${reason})`) };
    } catch (error) {
      signal.throwIfAborted();
      const { executionId } = this.hold;
      this.tools.logger.warn({ err: error, executionId }, 'workspace not kept');
      return messageOf(error);
    }
  }

  /** Gives the execution out of hands. After `suspended` nothing here may touch it any more. */
  async store(
    execution: ExecutionRecord,
    { state, memory, reason }: SuspendedResult,
    { masks, bytes, lastSeq, images }: StoredWith,
  ): Promise<SuspendResult> {
    const { executions, keyring } = this.tools;
    const { executionId, fence } = this.hold;
    const run = { state, memory, masks: masks.all, images };
    const suspension: Suspension = {
      ...{ attempt: fence, at: new Date(), bytes, answers: [], continued_in: null },
      sealed: sealedRun(keyring, executionId, run),
    };
    const { placements, trigger_info, started_at } = execution;
    const suspended = {
      ...{ reason, trigger_info, started_at, suspension, lastSeq, run: runOf(execution) },
      placements: closedPlacements(placements, { last_seq: lastSeq, reason }),
    };
    return databaseRetry(() => executions.suspend(this.hold, suspended), NO_DEADLINE);
  }

  /** What is left to do once it waits. Never rejects: the reconciler does what is left of it. */
  async afterwards(): Promise<void> {
    const { executionId, fence } = this.hold;
    try {
      await this.tools.snapshots.removeBefore(executionId, fence);
      await this.tools.continuing.lookAt(executionId);
      this.tools.continuing.tell(executionId);
    } catch (error) {
      this.tools.logger.warn({ err: error, executionId }, 'it waits; the reconciler looks at it');
    }
  }

  /** Lets all steps fail that wait, because the run cannot. */
  static refusals(state: RunState, why: string): StepAnswer[] {
    const reason = approvalReasons.notSuspended(why);
    return state.stages.flatMap(({ name: stage, steps }) =>
      steps
        .filter(({ attempts }) => attempts.at(-1)?.status === 'waiting')
        .map(({ name: step, attempts }) => ({
          ...{ stage, step, attempt: attempts.length, kind: 'rejected' as const, reason },
          inputs: [],
        })),
    );
  }
}
