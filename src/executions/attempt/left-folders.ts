import type { Logger } from '@nestjs/common';
import type { WorkspaceStore } from '../../workspaces/workspace-store.js';
import type { ExecutionsRepository } from '../record/executions.repository.js';
import type { RunningAttempts } from './running-attempts.js';

/** From a failure to the next try for the same folder; doubled each time. */
const FIRST_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 30 * 60_000;

/**
 * Removes folders of attempts that are over, or were taken from a worker that died. Safe beside
 * other workers of this host.
 */
export class LeftFolders {
  /** Folders that could not be removed: not before then again. */
  private readonly kept = new Map<string, { readonly until: number; readonly pauseMs: number }>();

  constructor(
    private readonly workspaces: Pick<WorkspaceStore, 'list' | 'remove'>,
    private readonly running: Pick<RunningAttempts, 'holds'>,
    private readonly executions: Pick<ExecutionsRepository, 'holdStates'>,
    private readonly logger: Pick<Logger, 'warn'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * One folder that cannot be removed keeps no other from it. Rejects when the database or the base
   * folder cannot be read.
   */
  async remove(): Promise<void> {
    const now = this.now();
    const listed = await this.workspaces.list();
    const roots = new Set(listed.map(({ root }) => root));
    // Another worker of this host may have removed it.
    for (const root of this.kept.keys()) if (!roots.has(root)) this.kept.delete(root);
    const folders = listed.filter(
      ({ executionId, attempt, root }) =>
        !this.running.holds(executionId, attempt) && (this.kept.get(root)?.until ?? now) <= now,
    );
    if (folders.length === 0) return;
    const states = await this.executions.holdStates(folders.map(({ executionId }) => executionId));
    for (const { executionId, attempt, root } of folders) {
      const state = states.find(({ _id }) => _id === executionId);
      const isHeld = state?.status === 'running' && state.attempt === attempt;
      if (!isHeld) await this.removeOne(root);
    }
  }

  private async removeOne(root: string): Promise<void> {
    try {
      await this.workspaces.remove({ root });
      this.kept.delete(root);
    } catch (error) {
      const before = this.kept.get(root)?.pauseMs;
      const pauseMs =
        before === undefined ? FIRST_PAUSE_MS : Math.min(before * 2, LONGEST_PAUSE_MS);
      this.kept.set(root, { until: this.now() + pauseMs, pauseMs });
      this.logger.warn({ err: error, root }, `folder not removed; tried again in ${pauseMs} ms`);
    }
  }
}
