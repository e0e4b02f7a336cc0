import { Injectable } from '@nestjs/common';
import { isTerminal } from '../../engine/plan/run-status.js';
import { endTextOf } from '../../integrations/event-bus/event-bus.js';
import type { ExecutionView } from '../../logs/feed/execution-view.js';
import type { LogFence } from '../../logs/store/log-fence.js';
import { ExecutionWaits } from '../explanation/execution-waits.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { JustAccepted } from '../record/just-accepted.js';
import { LiveExecutions } from '../record/live-executions.js';
import { logFencesOf } from '../record/log-fences.js';
import type { StoredStep } from '../record/stored-state.js';
import { withToldEnd } from '../record/told-end.js';

/**
 * Whoever follows what was just queued is not told what that waits for: most are claimed within
 * milliseconds, and the next look tells it.
 */
const JUST_QUEUED_MS = 250;

/** Executions as their feeds tell them. */
@Injectable()
export class ExecutionViews {
  constructor(
    private readonly executions: ExecutionsRepository,
    private readonly live: LiveExecutions,
    private readonly waits: ExecutionWaits,
    private readonly justAccepted: JustAccepted,
  ) {}

  /**
   * The newest view, live where there is one, else stored. Of what this process has just accepted,
   * and no worker has told of, the first one is what was stored: it may have ended without a run
   * before the caller listened.
   */
  async load(id: string, which: 'first' | 'next'): Promise<ExecutionView | undefined> {
    const accepted = which === 'first' ? this.justAccepted.find(id) : undefined;
    if (accepted && (await this.live.isUntold(id))) {
      return { ...(await this.of(accepted)), isUnsure: true };
    }
    const stored = await this.executions.find(id);
    if (!stored) return undefined;
    return this.of(await this.live.merge(stored));
  }

  private async of(
    execution: ExecutionRecord,
    fences: readonly LogFence[] = logFencesOf(execution),
  ): Promise<ExecutionView> {
    const { status, queued_at } = execution;
    const age = Date.now() - queued_at.getTime();
    const isNew = status === 'pending' && age >= 0 && age < JUST_QUEUED_MS;
    const waits_for = isNew ? null : await this.waits.of(execution);
    return {
      status: { ...statusEvent(execution), waits_for },
      fences,
      finished: isTerminal(status),
      after: (hint) => this.after(execution, hint),
    };
  }

  private async after(known: ExecutionRecord, hint: string): Promise<ExecutionView | undefined> {
    const told = endTextOf(hint);
    if (told !== undefined) {
      const ended = withToldEnd(known, told);
      return ended && this.of(ended.execution, ended.fences);
    }
    if (hint !== 'state') return undefined;
    const merged = await this.live.merge(known);
    return merged === known ? undefined : this.of(merged);
  }
}

/** What a `status` event says: everything that moves, without outputs and attempts. */
function statusEvent(execution: ExecutionRecord): Record<string, unknown> {
  return {
    id: execution._id,
    status: execution.status,
    reason: execution.reason,
    attempt: execution.attempt,
    started_at: execution.started_at,
    finished_at: execution.finished_at,
    duration: execution.duration,
    checkout: execution.checkout ? stepEvent(execution.checkout) : null,
    stages: execution.stages.map(({ name, status, reason, steps }) => ({
      name,
      status,
      reason,
      steps: steps.map(stepEvent),
    })),
    on_failure: execution.on_failure.map(stepEvent),
    always: execution.always.map(stepEvent),
  };
}

function stepEvent({ name, status, reason, attempts, exit_code }: StoredStep): object {
  return { name, status, reason, attempt: attempts.length, exit_code };
}
