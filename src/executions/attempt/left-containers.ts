import type { Logger } from '@nestjs/common';
import type { ContainerRuntime } from '../../integrations/container-runtime/container-runtime.js';
import { ProcessGroups } from '../../integrations/process/process-groups.js';
import type { ExecutionsRepository } from '../record/executions.repository.js';
import type { RunningAttempts } from './running-attempts.js';

/**
 * How long no record may know what carries our label, ms: a database that is being restored may
 * know it again.
 */
const UNKNOWN_MS = 3_600_000;

/**
 * Removes containers and networks that nobody looks after any more: of processes of this machine
 * that are gone, and of attempts that are over, by the database. The second way finds what was left
 * when the machine, or the container of a worker, was started again. Safe beside other workers of
 * the installation.
 */
export class LeftContainers {
  /** Groups that no record knows, and since when. */
  private readonly unknown = new Map<string, number>();

  constructor(
    private readonly containers: Pick<ContainerRuntime, 'sweepStale' | 'sweep'>,
    private readonly running: Pick<RunningAttempts, 'holds'>,
    private readonly executions: Pick<ExecutionsRepository, 'holdStates'>,
    private readonly logger: Pick<Logger, 'warn'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Rejects when the engine or the database cannot be read; nothing is removed by guess. */
  async remove(): Promise<void> {
    const { groups } = await this.containers.sweepStale();
    const found = groups.flatMap((group) => {
      const attempt = ProcessGroups.attemptOf(group);
      return attempt && !this.running.holds(attempt.executionId, attempt.attempt)
        ? [{ group, ...attempt }]
        : [];
    });
    const names = new Set(found.map(({ group }) => group));
    for (const group of this.unknown.keys()) if (!names.has(group)) this.unknown.delete(group);
    if (found.length === 0) return;
    const states = await this.executions.holdStates(found.map(({ executionId }) => executionId));
    for (const { group, executionId, attempt } of found) {
      const state = states.find(({ _id }) => _id === executionId);
      if (state === undefined ? !this.isLongUnknown(group) : isHeld(state, attempt)) continue;
      const ended = await this.containers.sweep(group);
      this.unknown.delete(group);
      this.logger.warn({ group, ended }, 'containers of an attempt that is over were removed');
    }
  }

  private isLongUnknown(group: string): boolean {
    const since = this.unknown.get(group) ?? this.now();
    this.unknown.set(group, since);
    return this.now() - since >= UNKNOWN_MS;
  }
}

function isHeld(
  state: { readonly status: string; readonly attempt: number },
  attempt: number,
): boolean {
  return state.status === 'running' && state.attempt === attempt;
}
