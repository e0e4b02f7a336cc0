import { Injectable, Logger } from '@nestjs/common';
import { EventBus } from '../../integrations/event-bus/event-bus.js';
import type { ExecutionRecord, Progress } from './execution.schema.js';
import { parseRun } from './stored-state.js';

/**
 * How long the live state stays readable after the end: a reader may be on its way from one store
 * to the other.
 */
const KEEP_AFTER_END_MS = 10_000;

/**
 * The live state of running executions, on the event bus. The database is the truth; this is only
 * sooner.
 */
@Injectable()
export class LiveExecutions {
  private readonly logger = new Logger(LiveExecutions.name);

  constructor(private readonly bus: EventBus) {}

  /** The execution with the newest state that its current attempt has told. */
  async merge(execution: ExecutionRecord): Promise<ExecutionRecord> {
    if (execution.status !== 'running') return execution;
    try {
      const live = await this.bus.getState(execution._id);
      if (live?.fence !== execution.attempt) return execution;
      const run = parseRun<Progress>(live.state);
      // A worker of an older version tells none; the time is the stored one, which JSON would make
      // a text.
      const trigger_info = { ...execution.trigger_info, ...run.trigger_info };
      trigger_info.timestamp = execution.trigger_info.timestamp;
      return { ...execution, ...run, trigger_info };
    } catch (error) {
      this.logger.debug({ err: error, executionId: execution._id }, 'live state not read');
      return execution;
    }
  }

  /** Whether no worker has told anything of it; false, too, while the bus is away. */
  async isUntold(executionId: string): Promise<boolean> {
    try {
      return (await this.bus.getState(executionId)) === undefined;
    } catch (error) {
      this.logger.debug({ err: error, executionId }, 'live state not read');
      return false;
    }
  }

  /** Rejects when the bus is away; the caller continues with the database alone. */
  async tell(executionId: string, fence: number, run: Progress): Promise<void> {
    await this.bus.putState(executionId, fence, JSON.stringify(run));
  }

  /**
   * Tells that the database has the end, and the end itself where `told` has it. Rejects when the
   * bus is away: what is left there expires by itself.
   */
  async end(executionId: string, told?: string): Promise<void> {
    await this.bus.endLive(executionId, KEEP_AFTER_END_MS, told);
  }
}
