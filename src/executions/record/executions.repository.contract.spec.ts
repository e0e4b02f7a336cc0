import { randomUUID } from 'node:crypto';
import { executionReasons } from './execution-reasons.js';
import { pendingExecution } from './execution.fixture.js';
import type { ExecutionsRepository, Settlement } from './executions.repository.js';
import { MemoryExecutions } from './memory-executions.fixture.js';

const WAIT_MS = 10_000;
const options = { deadlineMs: WAIT_MS };

/** What a store of executions does. */
export function describeExecutionsRepository(
  name: string,
  repository: () => ExecutionsRepository,
): void {
  describe(`${name} as ExecutionsRepository`, () => {
    let id: string;
    const hold = (fence: number) => ({ executionId: id, fence });
    const claim = (worker = 'w') => repository().claim(id, { id: worker, name: worker }, WAIT_MS);
    const cancel = () => repository().requestCancel(id, { at: new Date(), by: 'somebody' });
    const back = async () => ({
      reason: executionReasons.workerStopped('w'),
      placements: (await repository().find(id))?.placements ?? [],
      enqueueNumber: 2,
      workersLost: 0,
    });

    beforeEach(async () => {
      id = randomUUID();
      await repository().insert(pendingExecution({ _id: id }));
    });

    it('inserts once, however often it is told', async () => {
      await claim();
      await repository().insert(pendingExecution({ _id: id }));
      expect(await repository().find(id)).toMatchObject({ status: 'running', attempt: 1 });
    });

    it('lets exactly one of 20 claimants win', async () => {
      const workers = Array.from({ length: 20 }, (_item, index) => `w${index}`);
      const claims = await Promise.all(workers.map((worker) => claim(worker)));
      const winners = workers.filter((_worker, index) => claims[index] !== null);
      expect(winners).toHaveLength(1);
      const stored = await repository().find(id);
      expect(stored).toMatchObject({ status: 'running', attempt: 1 });
      expect(stored?.placements.map(({ worker_id }) => worker_id)).toEqual(winners);
      expect(await repository().claimedBy(winners[0] ?? '')).toMatchObject([
        { _id: id, attempt: 1 },
      ]);
    });

    it('settles once, and says so again', async () => {
      await claim();
      expect(await repository().settle(hold(1), settlement('success'), options)).toBe('settled');
      const ended = await repository().find(id);
      expect(await repository().settle(hold(1), settlement('failed'), options)).toBe('settled');
      expect(await repository().find(id)).toEqual(ended);
    });

    it('refuses everything of an attempt that was superseded', async () => {
      await claim('first');
      expect(await repository().release(hold(1), await back())).toBe(true);
      expect(await repository().release(hold(1), await back())).toBe(false);
      await claim('second');
      const before = await repository().find(id);
      const { trigger_info } = pendingExecution();
      const progress = { ...settlement('running'), trigger_info, last_seq: 9 };
      expect(await repository().recordProgress(hold(1), progress)).toBe(false);
      expect(await repository().settle(hold(1), settlement('failed'), options)).toBe('fenced');
      expect(await repository().release(hold(1), await back())).toBe(false);
      expect(await repository().find(id)).toEqual(before);
      expect(await repository().claimedBy('first')).toEqual([]);
    });

    it('a cancel that came first can only end cancelled', async () => {
      await claim();
      await cancel();
      expect(await repository().settle(hold(1), settlement('success'), options)).toBe(
        'cancel_requested',
      );
      expect(await repository().release(hold(1), await back())).toBe(false);
      expect(await repository().settle(hold(1), settlement('cancelled'), options)).toBe('settled');
      expect(await claim()).toBeNull();
    });

    it.each(Array.from({ length: 10 }, (_item, index) => index))(
      'race %i of settle, release and cancel: one of them, and the cancel is never lost',
      async () => {
        await claim();
        const release = await back();
        const [settled, released, asked] = await Promise.all([
          repository().settle(hold(1), settlement('success'), options),
          repository().release(hold(1), release),
          cancel(),
        ]);
        const after = await repository().find(id);
        if (settled === 'settled' && after?.status === 'success') {
          expect(released).toBe(false);
          expect(after.cancel_requested).toBeNull();
          expect(asked?.status).toBe('success');
        } else if (released) {
          expect(after).toMatchObject({ status: 'pending', cancel_requested: { by: 'somebody' } });
          expect(await claim()).toBeNull();
          const end = {
            status: 'cancelled',
            reason: executionReasons.cancelled('x', undefined),
          } as const;
          expect(await repository().endUnplaced(id, end)).toBe(true);
          expect(await repository().endUnplaced(id, end)).toBe(false);
        } else {
          expect([settled, after?.status]).toEqual(['cancel_requested', 'running']);
        }
      },
    );

    it('a claim and a cancel: either nobody holds it, or its holder can only cancel', async () => {
      const [claimed] = await Promise.all([claim(), cancel()]);
      expect(await repository().find(id)).toMatchObject({
        status: claimed ? 'running' : 'pending',
        cancel_requested: { by: 'somebody' },
      });
    });

    it('is claimed by nobody once its cancel is stored', async () => {
      await cancel();
      expect(await claim()).toBeNull();
      expect(await repository().find(id)).toMatchObject({ status: 'pending', attempt: 0 });
    });

    it('tells what an attempt must know of its execution, and nothing of others', async () => {
      await claim();
      await cancel();
      const states = await repository().holdStates([id, randomUUID()]);
      expect(states).toMatchObject([
        { _id: id, status: 'running', attempt: 1, cancel_requested: { by: 'somebody' } },
      ]);
    });

    it('gives an execution back with what is known of it, and offers it again', async () => {
      await claim('first');
      const trigger_info = { ...pendingExecution().trigger_info, commit_hash: 'c' };
      const given = { ...(await back()), workersLost: 1, trigger_info };
      expect(await repository().release(hold(1), given)).toBe(true);
      expect(await repository().find(id)).toMatchObject({
        status: 'pending',
        reason: { code: 'worker_stopped' },
        enqueue_number: 2,
        workers_lost: 1,
        trigger_info: { commit_hash: 'c' },
      });
      expect(await claim('second')).toMatchObject({
        attempt: 2,
        placements: [{ worker_id: 'first' }, { worker_id: 'second' }],
      });
    });

    it('explains a pending execution only', async () => {
      const reason = executionReasons.queueUnavailable();
      await repository().explainPending(id, reason);
      expect(await repository().find(id)).toMatchObject({ reason });
      await claim();
      await repository().explainPending(id, reason);
      expect(await repository().find(id)).toMatchObject({ reason: null });
    });

    it('keeps the first cancel', async () => {
      await claim();
      const first = await cancel();
      const second = await repository().requestCancel(id, { at: new Date(0), by: 'another' });
      expect(second?.cancel_requested).toEqual(first?.cancel_requested);
    });
  });
}

function settlement(status: Settlement['status']): Settlement {
  return {
    ...blankRun,
    status,
    reason: null,
    started_at: new Date(1),
    finished_at: new Date(2),
    duration: 1,
    last_seq: 3,
    logs: [],
  };
}

const blankRun = {
  checkout: null,
  stages: [],
  on_failure: [],
  always: [],
  failure: null,
  commit: null,
};

const memory = new MemoryExecutions();
describeExecutionsRepository('MemoryExecutions', () => memory.repository);
