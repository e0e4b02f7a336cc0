import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import type { WorkerObserver } from '../../workers/worker-observer.js';
import type { WorkersRepository } from '../../workers/workers.repository.js';
import type { ContinueExecution } from '../approvals/continue-execution.js';
import type { KeptWorkspaces } from '../suspension/kept-workspaces.js';
import { EndingFixture } from '../ending/ending.fixture.js';
import type { OutboxRelay } from '../outbox/outbox-relay.js';
import type { ExecutionPlacer } from '../placement/execution-placer.js';
import type { ExecutionListsRepository } from '../record/execution-lists.repository.js';
import { pendingExecution } from '../record/execution.fixture.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { MemoryExecutions } from '../record/memory-executions.fixture.js';
import type { ExecutionRecovery } from './execution-recovery.js';
import { ExecutionsReconciler } from './executions.reconciler.js';

Logger.overrideLogger(false);

const LONG_AGO = new Date(Date.now() - 60_000);

describe('ExecutionsReconciler', () => {
  let executions: MemoryExecutions;
  let stored: ExecutionRecord[];
  let liveWorkers: string[];
  let isQueueThere: boolean;
  let observe: () => Promise<void>;
  let events: string[];
  let outboxRounds: number;
  let reconciler: ExecutionsReconciler;
  let due: Set<string>;

  beforeEach(() => {
    executions = new MemoryExecutions();
    stored = [];
    liveWorkers = ['alive'];
    isQueueThere = true;
    observe = async () => undefined;
    events = [];
    outboxRounds = 0;
    due = new Set();
    const offer =
      (how: string) =>
      async ({ _id }: { readonly _id: string }): Promise<boolean> => {
        events.push(`${how} ${nameOf(_id)}`);
        return isQueueThere;
      };
    reconciler = new ExecutionsReconciler(
      executions.repository,
      standIn<ExecutionListsRepository>({
        live: async (statuses, limit) =>
          stored
            .map(({ _id }) => executions.stored(_id))
            .filter(({ status }) => statuses.includes(status))
            .slice(0, limit),
        dueWaiting: async () => stored.filter(({ _id }) => due.has(_id)).map(({ _id }) => _id),
        keepingWorkspaces: async () =>
          stored.map(({ _id }) => executions.stored(_id)).filter((one) => one.keeps_workspace),
      }),
      standIn<ExecutionPlacer>({ offer: offer('offer'), renew: offer('renew') }),
      standIn<ExecutionRecovery>({
        recoverFromLostWorker: async (id, worker) =>
          void events.push(`take ${nameOf(id)} from ${worker}`),
      }),
      new EndingFixture(executions).endings,
      standIn<OutboxRelay>({ enqueueDue: async () => void (outboxRounds += 1) }),
      standIn<WorkerObserver>({ observe: () => observe() }),
      standIn<WorkersRepository>({
        liveAmong: async (ids) => new Set(ids.filter((id) => liveWorkers.includes(id))),
      }),
      standIn<ContinueExecution>({
        lookAt: async (id) => {
          events.push(`look at ${nameOf(id)}`);
          return false;
        },
      }),
      standIn<KeptWorkspaces>({
        removeOf: async (id) => void events.push(`remove what ${nameOf(id)} keeps`),
      }),
    );
  });
  afterEach(() => jest.restoreAllMocks());

  const nameOf = (id: string) => executions.stored(id).pipeline_name;

  async function store(
    pipeline_name: string,
    changes: Partial<ExecutionRecord> = {},
  ): Promise<ExecutionRecord> {
    const execution = pendingExecution({ pipeline_name, queued_at: LONG_AGO, ...changes });
    await executions.insert(execution);
    stored.push(execution);
    return execution;
  }
  async function running(name: string, ...workers: string[]): Promise<void> {
    const placements = workers.map((worker_id) => ({
      ...{ claim_id: 'c', worker_id, worker_name: worker_id },
      claimed_at: LONG_AGO,
    }));
    await store(name, { status: 'running', attempt: workers.length, placements });
  }

  it('looks at what waits once it is due, and at nothing else that waits', async () => {
    due.add((await store('due', { status: 'waiting' }))._id);
    await store('not due', { status: 'waiting' });
    await reconciler.round();
    expect(events).toEqual(['look at due']);
  });

  it('removes a workspace that an execution keeps that is over, once', async () => {
    await store('waits', { status: 'waiting', keeps_workspace: true });
    const { _id } = await store('over', { status: 'cancelled', keeps_workspace: true });
    await reconciler.round();
    await reconciler.round();
    expect(events).toEqual(['remove what over keeps']);
    expect(executions.stored(_id)).not.toHaveProperty('keeps_workspace');
  });

  it('takes executions from workers that are lost, and from no other', async () => {
    await running('of a lost one', 'lost');
    await running('of a live one', 'alive');
    await running('lost before, with a live one now', 'lost', 'alive');
    await running('live before, with a lost one now', 'alive', 'lost');
    await reconciler.round();
    expect(events).toEqual([
      'take of a lost one from lost',
      'take live before, with a lost one now from lost',
    ]);
  });

  it('takes from a worker in the very round in which it is found lost', async () => {
    await running('e', 'alive');
    observe = async () => void (liveWorkers = []);
    await reconciler.round();
    expect(events).toEqual(['take e from alive']);
  });

  it('makes the job of what is pending for long: it may be lost', async () => {
    await store('old');
    await store('new', { queued_at: new Date() });
    await store('waits for nothing of ours', { status: 'waiting' });
    await reconciler.round();
    expect(events).toEqual(['renew old']);
  });

  it('makes it also when the clock of whoever queued it is ahead by hours', async () => {
    await store('e', { queued_at: new Date(Date.now() + 3_600_000) });
    await reconciler.round();
    const now = performance.now();
    jest.spyOn(performance, 'now').mockReturnValue(now + 4_000);
    await reconciler.round();
    expect(events).toEqual([]);
    jest.spyOn(performance, 'now').mockReturnValue(now + 6_000);
    await reconciler.round();
    expect(events).toEqual(['renew e']);
  });

  it('looks at the jobs of the oldest, and offers the others', async () => {
    for (let number = 1; number <= 102; number += 1) await store(`${number}`);
    await reconciler.round();
    expect(events.slice(0, 2)).toEqual(['renew 1', 'renew 2']);
    expect(events.slice(99)).toEqual(['renew 100', 'offer 101', 'offer 102']);
  });

  it('asks a queue that is away no more in this round', async () => {
    isQueueThere = false;
    await store('1');
    await store('2');
    await reconciler.round();
    expect(events).toEqual(['renew 1']);
  });

  it('ends what is pending and was cancelled', async () => {
    const { _id } = await store('e');
    await executions.requestCancel(_id, { at: new Date(), by: 'ada' });
    await reconciler.round();
    expect(executions.stored(_id)).toMatchObject({
      status: 'cancelled',
      reason: { message: 'Cancelled by ada.' },
    });
    expect(events).toEqual([]);
  });

  it.each([Object.assign(new Error('away'), { name: 'MongoNetworkError' }), new Error('a defect')])(
    'tries again in the next round after %s',
    async (error) => {
      await running('e', 'lost');
      observe = () => Promise.reject(error);
      await expect(reconciler.round()).resolves.toBeUndefined();
      expect(events).toEqual([]);
      // News of other executions do not wait for that.
      expect(outboxRounds).toBe(1);
      observe = async () => undefined;
      await reconciler.round();
      expect(events).toEqual(['take e from lost']);
    },
  );

  it('does a round every 5 s, and waits at its end for the one under way', async () => {
    jest.useFakeTimers();
    try {
      await running('e', 'lost');
      reconciler.onApplicationBootstrap();
      await jest.advanceTimersByTimeAsync(13_000);
      expect(events.length).toBeGreaterThanOrEqual(2);
      expect(events.length).toBeLessThanOrEqual(3);
      events.length = 0;
      await reconciler.onApplicationShutdown();
      await jest.advanceTimersByTimeAsync(60_000);
      expect(events).toEqual([]);
    } finally {
      jest.useRealTimers();
    }
  });
});
