import { standIn } from '../../../test/support/stand-in.js';
import { endHint } from '../../integrations/event-bus/event-bus.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import type { ExecutionWaits } from '../explanation/execution-waits.js';
import { pendingExecution } from '../record/execution.fixture.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { executionReasons } from '../record/execution-reasons.js';
import type { ExecutionsRepository, Settlement } from '../record/executions.repository.js';
import { JustAccepted } from '../record/just-accepted.js';
import { LiveExecutions } from '../record/live-executions.js';
import { toldEnd } from '../record/told-end.js';
import { ExecutionViews } from './execution-views.js';

const NO_WORKER = executionReasons.noWorker([]);
const placement = { claim_id: 'c', worker_id: 'w', worker_name: 'w', claimed_at: new Date() };
const RUN = {
  ...{ checkout: null, on_failure: [], always: [], failure: null, commit: null },
  stages: [],
};

describe('ExecutionViews', () => {
  const bus = new MemoryEventBus();
  const live = new LiveExecutions(bus);
  const justAccepted = new JustAccepted();
  let execution: ExecutionRecord;
  let looks: string[];
  const views = new ExecutionViews(
    standIn<ExecutionsRepository>({
      find: async (id) => {
        looks.push('executions');
        return id === execution._id ? execution : null;
      },
    }),
    live,
    standIn<ExecutionWaits>({
      of: async ({ status }) => {
        if (status === 'pending') looks.push('workers');
        return status === 'pending' ? NO_WORKER : null;
      },
    }),
    justAccepted,
  );
  const load = async (changes: Partial<ExecutionRecord>) => {
    looks = [];
    execution = pendingExecution(changes);
    return views.load(execution._id, 'first');
  };
  const attempt: Partial<ExecutionRecord> = {
    ...{ status: 'running', attempt: 1, placements: [placement] },
  };
  const tell = (fence: number, code: string) =>
    live.tell(execution._id, fence, {
      ...RUN,
      stages: [
        {
          ...{ name: 's', status: 'running', reason: { code, message: '' }, steps: [] },
          ...{ started_at: null, finished_at: null, duration: null },
        },
      ],
      trigger_info: execution.trigger_info,
      started_at: null,
    });

  it('are nothing for what is not there', async () => {
    await load({});
    expect(await views.load('other', 'first')).toBeUndefined();
  });

  it('say what an execution waits for, but for what was queued a moment ago', async () => {
    const before = new Date(Date.now() - 1_000);
    expect((await load({ queued_at: before }))?.status['waits_for']).toEqual(NO_WORKER);
    expect(looks).toEqual(['executions', 'workers']);
    expect((await load({}))?.status['waits_for']).toBeNull();
    expect(looks).toEqual(['executions']);
  });

  it('of what was just accepted here need no store until a worker tells of it', async () => {
    await load({});
    looks = [];
    justAccepted.add(execution);
    expect((await views.load(execution._id, 'first'))?.status['status']).toBe('pending');
    expect(looks).toEqual([]);
    await tell(1, 'x');
    await views.load(execution._id, 'first');
    expect(looks).toEqual(['executions']);
  });

  it('are unsure of what was just accepted, and need the store from the second look on', async () => {
    await load({});
    looks = [];
    justAccepted.add(execution);
    const first = await views.load(execution._id, 'first');
    expect(first?.isUnsure).toBe(true);
    execution = { ...execution, status: 'cancelled', finished_at: new Date() };
    expect(await first?.after?.('end')).toBeUndefined();
    const next = await views.load(execution._id, 'next');
    expect(next).toMatchObject({ status: { status: 'cancelled' }, finished: true });
    expect(next?.isUnsure).toBeUndefined();
    expect(looks).toEqual(['executions']);
  });

  it('need the store where the bus is away', async () => {
    await load({});
    looks = [];
    justAccepted.add(execution);
    jest.spyOn(bus, 'getState').mockRejectedValueOnce(new Error('away'));
    await views.load(execution._id, 'first');
    expect(looks).toEqual(['executions']);
  });

  it('of a running attempt follow what it tells, without the store', async () => {
    const first = await load(attempt);
    await tell(1, 'x');
    const second = await first?.after?.('state');
    await tell(1, 'y');
    const third = await second?.after?.('state');
    expect(second?.status['stages']).toMatchObject([{ reason: { code: 'x' } }]);
    expect(third?.status['stages']).toMatchObject([{ reason: { code: 'y' } }]);
    expect(looks).toEqual(['executions']);
  });

  it('are left to the store after a state of another attempt, and after other hints', async () => {
    const first = await load(attempt);
    await tell(2, 'x');
    expect(await first?.after?.('state')).toBeUndefined();
    await tell(1, 'x');
    for (const hint of ['resync', 'end', 'other']) {
      expect(await first?.after?.(hint)).toBeUndefined();
    }
    expect(await (await load({}))?.after?.('state')).toBeUndefined();
  });

  it('end by what was told with the end, also of what was pending a moment ago', async () => {
    const end: Settlement = {
      ...{ ...RUN, status: 'success', reason: null, last_seq: 4 },
      ...{ started_at: new Date(5), finished_at: new Date(9) },
    };
    for (const known of [attempt, {}]) {
      const first = await load(known);
      const last = await first?.after?.(endHint(toldEnd(1, end)));
      expect(last).toMatchObject({
        status: { status: 'success', attempt: 1, duration: 4, waits_for: null },
        fences: [{ fence: 1, firstSeq: 1, lastSeq: 4 }],
        finished: true,
      });
      expect(looks).toEqual(['executions']);
    }
  });
});
