import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import type { EventBus } from '../../integrations/event-bus/event-bus.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { pendingExecution } from './execution.fixture.js';
import type { ExecutionRecord, Progress } from './execution.schema.js';
import { LiveExecutions } from './live-executions.js';

const STARTED = new Date(1_000);

Logger.overrideLogger(false);

describe('LiveExecutions', () => {
  let live: LiveExecutions;
  let running: ExecutionRecord;
  let told: Progress;

  beforeEach(() => {
    live = new LiveExecutions(new MemoryEventBus());
    running = pendingExecution({ status: 'running', attempt: 2 });
    const { checkout, stages, on_failure, always, failure, commit, trigger_info } = running;
    told = {
      ...{ checkout, stages, on_failure, always, failure },
      commit: commit ?? { sha: 'c', message: 'm', author: 'a' },
      trigger_info: { ...trigger_info, commit_hash: 'c' },
      started_at: STARTED,
    };
  });

  it('shows what the current attempt told, sooner than the database', async () => {
    await live.tell(running._id, 2, told);
    const merged = await live.merge(running);
    expect(merged).toMatchObject({ commit: { sha: 'c' }, trigger_info: { commit_hash: 'c' } });
    expect(merged.started_at).toEqual(STARTED);
    expect(merged.trigger_info.timestamp).toBe(running.trigger_info.timestamp);
  });

  it('shows nothing of an older attempt', async () => {
    await live.tell(running._id, 1, told);
    expect(await live.merge(running)).toBe(running);
  });

  it('shows nothing of an attempt that the reader does not know yet', async () => {
    await live.tell(running._id, 3, told);
    expect(await live.merge(running)).toBe(running);
  });

  it('adds nothing to what waits or is over', async () => {
    await live.tell(running._id, 2, told);
    for (const status of ['pending', 'success'] as const) {
      const other = { ...running, status };
      expect(await live.merge(other)).toBe(other);
    }
  });

  it('is the database alone while the bus is away', async () => {
    const away = new LiveExecutions(
      standIn<EventBus>({ getState: () => Promise.reject(new Error('away')) }),
    );
    expect(await away.merge(running)).toBe(running);
  });
});
