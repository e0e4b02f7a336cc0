import { OutboxConsumers } from '../../executions/outbox/outbox-consumers.js';
import { endedExecution } from '../../executions/record/execution.fixture.js';
import type { ExecutionListsRepository } from '../../executions/record/execution-lists.repository.js';
import type { ExecutionRecord } from '../../executions/record/execution.schema.js';
import { executionFinished } from '../../executions/record/outbox-event.js';
import { type ExecutionAlert, isOfExecution } from '../alerts/alert.js';
import { MemoryAlertStore } from '../alerts/memory-alert-store.fixture.js';
import type { ToldEnd } from '../alerts/told-end.js';
import { channelId } from '../channels/channel.js';
import { MemoryChannelStore } from '../channels/memory-channel-store.fixture.js';
import { AlertRecipients } from './alert-recipients.js';
import { EndTeller, LOOKED_AT } from './end-teller.js';

const PIPELINE = 'the-pipeline';

describe('EndTeller', () => {
  let executions: Map<string, ExecutionRecord>;
  let channels: MemoryChannelStore;
  let alerts: MemoryAlertStore;
  let consumers: OutboxConsumers;
  let lists: { readonly pipelineId?: string; readonly branch?: string }[];

  beforeEach(() => {
    executions = new Map();
    channels = new MemoryChannelStore();
    alerts = new MemoryAlertStore();
    consumers = new OutboxConsumers();
    lists = [];
    const store = {
      ended: (id: string) => Promise.resolve(executions.get(id)),
      list: (filter: object, limit: number) => {
        lists.push(filter);
        return Promise.resolve([...executions.values()].slice(0, limit));
      },
    } as unknown as ExecutionListsRepository;
    new EndTeller(store, channels, alerts, new AlertRecipients(channels), consumers).onModuleInit();
  });

  const listens = (name: string, ends: ToldEnd[], url = name, made = 0): Promise<void> =>
    channels.set(
      {
        ...{ _id: channelId(PIPELINE, name), subject: PIPELINE, name, ends, type: 'webhook' },
        ...{ signed: false, created_by: 'ada' },
        ...{ created_at: new Date(made), updated_at: new Date(made) },
      },
      { type: 'webhook', url: `https://${url}.example/`, secret: null, headers: [] },
    );
  /** All news of it, as often as they come. */
  const ends = async (
    status: 'success' | 'failed' | 'cancelled' | 'timeout',
    more: Partial<ExecutionRecord> = {},
    at = 5_000,
  ): Promise<ExecutionAlert | undefined> => {
    const created_at = new Date(at - 110);
    const one = endedExecution(status, { created_at, ...more, pipeline_id: PIPELINE });
    executions.set(one._id, one);
    const { event_id: id, type } = executionFinished(one._id, new Date(at));
    const event = { id, type, executionId: one._id, at: new Date(at) };
    const [teller] = consumers.of(type);
    await teller?.handle(event, new AbortController().signal);
    const first = await teller?.handle(event, new AbortController().signal);
    expect(first).toBeUndefined();
    const found = [...alerts.alerts.values()].filter(isOfExecution);
    const mine = found.filter(({ execution }) => execution.id === one._id);
    expect(mine.length).toBeLessThan(2);
    return mine[0];
  };
  const states = (alert: ExecutionAlert | undefined): unknown =>
    alert?.deliveries.map(({ name, state, reason }) => [name, state, reason?.code]);

  it('stores nothing where no channel is, and of an execution that is gone', async () => {
    expect(await ends('failed')).toBeUndefined();
    const [teller] = consumers.of('execution.finished');
    const at = new Date();
    const event = { id: 'e', type: 'execution.finished', executionId: 'gone', at } as const;
    await teller?.handle(event, new AbortController().signal);
    expect(alerts.alerts.size).toBe(0);
  });

  it('looks at no execution whose pipeline is known to have no channel', async () => {
    const looked = jest.fn();
    const store = { ended: looked } as unknown as ExecutionListsRepository;
    const teller = new EndTeller(store, channels, alerts, new AlertRecipients(channels), consumers);
    const event = {
      id: 'e',
      type: 'execution.finished',
      executionId: 'x',
      at: new Date(),
    } as const;
    const known = { pipelineId: PIPELINE };
    await teller.handle({ ...event, known });
    expect(looked).not.toHaveBeenCalled();
    await listens('ops', ['failure']);
    await teller.handle({ ...event, known });
    expect(looked).toHaveBeenCalledTimes(1);
  });

  it('stores once who is told of it, and why who is not', async () => {
    await listens('a', ['failure', 'fixed']);
    await listens('b', ['success']);
    await listens('c', ['failure'], 'a');
    await listens('late', ['failure'], 'late', 9_000);
    const alert = await ends('timeout', {
      ...{ number: 4, attempt: 2, pipeline_name: 'build', duration: 61_000 },
      reason: { code: 'execution_timeout', message: 'x'.repeat(9_999) },
      failure: {
        ...{ stage: 'test', step: 'unit', exit_code: 1, last_lines: ['a line of the log'] },
        reason: { code: 'exit_code', message: 'it ended with 1' },
      },
      commit: { sha: 'c0ffee', message: 'm', author: 'ada' },
    });
    expect(states(alert)).toEqual([
      ['a', 'pending', undefined],
      ['b', 'skipped', 'not_asked'],
      ['c', 'skipped', 'same_target'],
    ]);
    expect(alert?.due_at).toEqual(expect.any(Date));
    expect(alert?.execution).toMatchObject({
      ...{ number: 4, attempt: 2, pipeline_name: 'build', status: 'timeout', events: ['failure'] },
      ...{ commit: 'c0ffee', branch: null, failure: { stage: 'test', step: 'unit' } },
    });
    expect(alert?.reason?.message).toHaveLength(1_000);
    expect(JSON.stringify(alert)).not.toContain('a line of the log');
  });

  it('tells nobody of one that was cancelled, and stores why', async () => {
    await listens('a', ['failure', 'success', 'fixed']);
    const alert = await ends('cancelled');
    expect(states(alert)).toEqual([['a', 'skipped', 'execution_cancelled']]);
    expect(alert?.due_at).toBeNull();
  });

  it('knows the first success after a failure, by the branch', async () => {
    await listens('a', ['failure', 'fixed']);
    const { trigger_info: info } = endedExecution('failed');
    const on = { trigger_info: { ...info, branch: 'main' } };
    const told: unknown[] = [];
    for (const [status, at] of [
      ['failed', 1_000],
      ['cancelled', 2_000],
      ['success', 3_000],
      ['success', 4_000],
    ] as const) {
      const alert = await ends(status, on, at);
      told.push([alert?.execution.events, alert?.deliveries[0]?.state]);
    }
    expect(told).toEqual([
      [['failure'], 'pending'],
      [[], 'skipped'],
      [['success', 'fixed'], 'pending'],
      [['success'], 'skipped'],
    ]);
    expect(lists[0]).toEqual({ pipelineId: PIPELINE, branch: 'main' });
    expect(LOOKED_AT).toBe(200);
  });

  it('gives ids in the order of the ends', async () => {
    await listens('a', ['failure']);
    const later = await ends('failed', {}, 9_000_000_000_000);
    const earlier = await ends('failed', {}, 900_000_000_000);
    expect((await alerts.open(PIPELINE, 9)).map(({ _id }) => _id)).toEqual([
      earlier?._id,
      later?._id,
    ]);
  });
});
