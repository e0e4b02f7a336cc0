import { randomUUID } from 'node:crypto';
import { nameRecord } from '../../common/values/name-record.js';
import { IllegalMoveError, isTerminal, RUN_STATUSES } from '../../engine/plan/run-status.js';
import type { EndTarget } from './execution-moves.js';
import { executionReasons } from './execution-reasons.js';
import { pendingExecution } from './execution.fixture.js';
import type { ExecutionsRepository, Settlement } from './executions.repository.js';
import { executionFinished } from './outbox-event.js';
import type { StepApproval, Suspension } from './suspension.js';
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

    const end = (target: EndTarget, told: Settlement) => {
      const news = executionFinished(target.executionId, told.finished_at);
      return repository().end(target, told, news, options);
    };

    beforeEach(async () => {
      id = randomUUID();
      await repository().insert(pendingExecution({ _id: id }));
    });

    it('tells one that is there from one that is not', async () => {
      await expect(repository().demand(id)).resolves.toBeUndefined();
      await expect(repository().demand(randomUUID())).rejects.toMatchObject({
        kind: 'NotFoundError',
      });
    });

    it('inserts once, however often it is told', async () => {
      await claim();
      await repository().insert(pendingExecution({ _id: id }));
      expect(await repository().find(id)).toMatchObject({ status: 'running', attempt: 1 });
    });

    it.each([{}, { branch: 'main', source: { repository_id: 'r', branch: 'main' } }])(
      'keeps what was asked for, which is no commit that was cloned: %j',
      async (asked) => {
        id = randomUUID();
        await repository().insert(pendingExecution({ _id: id, asked }));
        const { trigger_info } = pendingExecution();
        const cloned = { ...trigger_info, branch: 'other', commit_hash: 'a'.repeat(40) };
        await claim();
        const progress = { started_at: new Date(1), trigger_info: cloned, last_seq: 0 };
        expect(await repository().recordProgress(hold(1), { ...blankRun, ...progress })).toBe(true);
        expect(await repository().requeue(hold(1), await back())).toBe('requeued');
        expect((await claim())?.asked).toEqual(asked);
      },
    );

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

    it('ends once, with the news of it', async () => {
      await claim();
      expect(await end(hold(1), settlement('success'))).toBe('ended');
      const ended = await repository().find(id);
      expect(ended).toMatchObject({
        status: 'success',
        duration: 1,
        outbox: [{ event_id: `${id}:finished`, type: 'execution.finished', at: new Date(2) }],
      });
      expect(ended?.outbox_due?.getTime()).toBeGreaterThan(Date.now());
      expect(await end(hold(1), settlement('success'))).toBe('fenced');
      expect(await end(hold(1), settlement('failed'))).toBe('fenced');
      expect(await repository().find(id)).toEqual(ended);
    });

    it.each(RUN_STATUSES.filter(isTerminal))('moves nothing that is %s', async (status) => {
      const over = pendingExecution({ status, attempt: 1, finished_at: new Date(7) });
      await repository().insert(over);
      const ofOver = { executionId: over._id, fence: 1 };
      for (const target of [ofOver, { executionId: over._id }]) {
        for (const to of RUN_STATUSES.filter(isTerminal)) {
          const outcome = await end(target, settlement(to)).catch((error: unknown) => {
            if (!(error instanceof IllegalMoveError)) throw error;
            return 'fenced';
          });
          expect(outcome).toBe('fenced');
        }
      }
      expect(await repository().claim(over._id, { id: 'w', name: 'w' }, WAIT_MS)).toBeNull();
      expect(await repository().requeue(ofOver, await back())).toBe('fenced');
      expect(await repository().find(over._id)).toEqual(over);
    });

    it('inserts many at once, and tells each whether its number was free', async () => {
      const pipeline_id = randomUUID();
      const ids = Array.from({ length: 12 }, () => randomUUID());
      // Two of each number.
      const all = ids.map((_id, at) => pendingExecution({ _id, pipeline_id, number: at >> 1 }));
      const inserted = await Promise.all(all.map((one) => repository().insert(one)));
      for (const [at, _id] of ids.entries()) {
        expect(inserted[at]).toBe((await repository().find(_id)) !== null);
      }
      expect(inserted.filter(Boolean)).toHaveLength(6);
    });

    it('ends many at once, and tells each what became of its own', async () => {
      const wanted = ['ended', 'fenced', 'cancel_requested'] as const;
      const ids = Array.from({ length: 12 }, () => randomUUID());
      const kindOf = (at: number) => wanted[at % wanted.length];
      for (const [at, _id] of ids.entries()) {
        await repository().insert(pendingExecution({ _id }));
        await repository().claim(_id, { id: 'w', name: 'w' }, WAIT_MS);
        if (kindOf(at) === 'cancel_requested')
          await repository().requestCancel(_id, { at: new Date(), by: 'somebody' });
      }
      const ends = await Promise.all(
        ids.map((executionId, at) =>
          end({ executionId, fence: kindOf(at) === 'fenced' ? 2 : 1 }, settlement('success')),
        ),
      );
      expect(ends).toEqual(ids.map((_id, at) => kindOf(at)));
      for (const [at, _id] of ids.entries()) {
        const status = kindOf(at) === 'ended' ? 'success' : 'running';
        expect(await repository().find(_id)).toMatchObject({ status });
      }
    });

    it('ends by nobody but its holder, and without one only what nobody holds', async () => {
      expect(await end(hold(0), settlement('failed'))).toBe('fenced');
      await claim();
      expect(await end({ executionId: id }, settlement('failed'))).toBe('fenced');
      expect(await end({ executionId: id }, settlement('cancelled'))).toBe('fenced');
      await expect(end(hold(1), settlement('skipped'))).rejects.toThrow(IllegalMoveError);
      await expect(end({ executionId: id }, settlement('success'))).rejects.toThrow(
        IllegalMoveError,
      );
      expect(await repository().find(id)).toMatchObject({ status: 'running', finished_at: null });
    });

    it('refuses everything of an attempt that was superseded', async () => {
      await claim('first');
      expect(await repository().requeue(hold(1), await back())).toBe('requeued');
      expect(await repository().requeue(hold(1), await back())).toBe('fenced');
      await claim('second');
      const before = await repository().find(id);
      const { trigger_info } = pendingExecution();
      const progress = { ...blankRun, started_at: new Date(1), trigger_info, last_seq: 9 };
      expect(await repository().recordProgress(hold(1), progress)).toBe(false);
      expect(await end(hold(1), settlement('failed'))).toBe('fenced');
      expect(await repository().requeue(hold(1), await back())).toBe('fenced');
      expect(await repository().find(id)).toEqual(before);
      expect(await repository().claimedBy('first')).toEqual([]);
    });

    it('a cancel that came first can only end cancelled', async () => {
      await claim();
      await cancel();
      expect(await end(hold(1), settlement('success'))).toBe('cancel_requested');
      expect(await repository().requeue(hold(1), await back())).toBe('cancel_requested');
      expect(await end(hold(1), settlement('cancelled'))).toBe('ended');
      expect(await claim()).toBeNull();
    });

    it.each(Array.from({ length: 10 }, (_item, index) => index))(
      'race %i of end, requeue and cancel: one of them, and the cancel is never lost',
      async () => {
        await claim();
        const given = await back();
        const [ended, requeued, asked] = await Promise.all([
          end(hold(1), settlement('success')),
          repository().requeue(hold(1), given),
          cancel(),
        ]);
        const after = await repository().find(id);
        if (ended === 'ended') {
          expect(requeued).toBe('fenced');
          expect(after).toMatchObject({ status: 'success', cancel_requested: null });
          expect(asked?.status).toBe('success');
        } else if (requeued === 'requeued') {
          expect(after).toMatchObject({ status: 'pending', cancel_requested: { by: 'somebody' } });
          expect(await claim()).toBeNull();
          expect(await end({ executionId: id }, settlement('failed'))).toBe('cancel_requested');
          expect(await end({ executionId: id }, settlement('cancelled'))).toBe('ended');
          expect(await end({ executionId: id }, settlement('cancelled'))).toBe('fenced');
        } else {
          expect([ended, after?.status]).toEqual(['cancel_requested', 'running']);
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
      expect(await repository().requeue(hold(1), given)).toBe('requeued');
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

    it('gives it back with the run that was told, names of outputs as they are', async () => {
      await claim('first');
      const outputs = nameRecord([
        ['constructor', 'a'],
        ['v', '7'],
      ]);
      const step = {
        ...{ name: 'x', status: 'success' as const, reason: null, exit_code: 0 },
        ...{ started_at: new Date(1), finished_at: new Date(2), duration: 1 },
        ...{ continued_on_error: false, flaky: false, attempts: [], outputs },
      };
      const stage = { ...step, name: 'a', execution_attempt: 1, steps: [step] };
      const run = { ...blankRun, stages: [stage] };
      expect(await repository().requeue(hold(1), { ...(await back()), run })).toBe('requeued');
      const [told] = (await claim('second'))?.stages ?? [];
      expect(told).toMatchObject({ status: 'success', execution_attempt: 1 });
      expect(Object.entries(told?.steps[0]?.outputs ?? {})).toEqual(Object.entries(outputs));
    });

    describe('that waits for people', () => {
      const word = (by: string, kind: StepApproval['kind'] = 'approval'): StepApproval => ({
        ...{ stage: 's', step: 'ok', attempt: 1, kind, by, login: by, generation: 1 },
        ...{ reason: null, at: new Date(), commit: null, plan_hash: null, inputs: [] },
      });
      const suspension = (attempt: number): Suspension => ({
        ...{ attempt, at: new Date(7), bytes: 3, sealed: 'v1', answers: [], continued_in: null },
      });
      const suspend = async (fence = 1) =>
        repository().suspend(hold(fence), {
          ...{ reason: { code: 'suspended', message: 'waits' }, started_at: new Date(1) },
          placements: (await repository().find(id))?.placements ?? [],
          ...{ trigger_info: pendingExecution().trigger_info, run: blankRun, lastSeq: 4 },
          suspension: suspension(fence),
        });
      const resume = (approvals: number, fence = 1) =>
        repository().resume(hold(fence), {
          ...{ approvals, answers: [], enqueueNumber: 2, waited: 7 },
          reason: executionReasons.answered(['ok']),
        });

      it('is held by nobody, and continues by a claim of its own', async () => {
        await claim();
        expect(await repository().noteKeeping(hold(1))).toBe(true);
        expect(await suspend()).toBe('suspended');
        expect(await repository().find(id)).toMatchObject({
          ...{ status: 'waiting', reason: { code: 'suspended' }, last_seq: 4 },
          ...{ suspension: suspension(1), keeps_workspace: true, waits_until: new Date(7) },
        });
        expect(await claim()).toBeNull();
        const claimed = await repository().claimedBy('w');
        expect(claimed.filter(({ _id }) => _id === id)).toEqual([]);
        expect(await resume(0)).toBe(true);
        expect(await resume(0)).toBe(false);
        expect(await repository().holdStates([id])).toMatchObject([
          { status: 'pending', attempt: 1, suspension: { attempt: 1 } },
        ]);
        expect(await claim('other')).toMatchObject({
          ...{ attempt: 2, suspension: suspension(1), waited: 7 },
        });
        expect(await repository().noteContinued(hold(1))).toBe(false);
        expect(await repository().noteContinued(hold(2))).toBe(true);
        expect((await repository().find(id))?.suspension?.continued_in).toBe(2);
      });

      it('waits for nobody but by its holder, and not when its cancel is wanted', async () => {
        await claim();
        expect(await suspend(2)).toBe('fenced');
        expect(await repository().noteKeeping(hold(2))).toBe(false);
        await cancel();
        expect(await suspend()).toBe('cancel_requested');
      });

      it('continues by all that was said, and by nothing less', async () => {
        await claim();
        await suspend();
        expect(await repository().addApproval(id, 1, word('ada'))).toBe(true);
        expect(await repository().addApproval(id, 1, word('ada'))).toBe(false);
        expect(await repository().addApproval(id, 2, word('bob'))).toBe(false);
        expect(await resume(0)).toBe(false);
        await repository().lookAgain(id, 0, new Date(99));
        expect((await repository().find(id))?.waits_until).not.toEqual(new Date(99));
        await repository().lookAgain(id, 1, new Date(99));
        expect((await repository().find(id))?.waits_until).toEqual(new Date(99));
        expect(await repository().addApproval(id, 1, word('bob', 'rejection'))).toBe(true);
        expect(await repository().addApproval(id, 1, word('eve'))).toBe(false);
        expect(await resume(1)).toBe(false);
        expect(await resume(2)).toBe(true);
        expect(await repository().addApproval(id, 1, word('late', 'override'))).toBe(false);
      });

      it('takes another word of the same person, and the same one once', async () => {
        await claim();
        await suspend();
        const say = (changes: Partial<StepApproval>): Promise<boolean> =>
          repository().addApproval(id, 1, { ...word('ada'), ...changes });
        const inputs = [
          { name: 'version', value: '1.4' },
          { name: 'count', value: 2 },
        ];
        expect(await say({ inputs })).toBe(true);
        expect(await say({ inputs })).toBe(false);
        expect(await say({ inputs: inputs.slice(0, 1) })).toBe(true);
        expect(await say({ inputs, generation: 2 })).toBe(true);
        expect(await say({ inputs, generation: 2 })).toBe(false);
      });

      it('of 20 words at once none is lost', async () => {
        await claim();
        await suspend();
        const names = Array.from({ length: 20 }, (_item, index) => `p${index}`);
        await Promise.all(names.map((by) => repository().addApproval(id, 1, word(by))));
        const { approvals = [], approvals_given } = (await repository().find(id)) ?? {};
        expect(approvals.map(({ by }) => by).sort()).toEqual([...names].sort());
        expect(approvals_given).toBe(20);
      });

      it('ends by a cancel, and not by its attempt', async () => {
        await claim();
        await repository().noteKeeping(hold(1));
        await suspend();
        await cancel();
        expect(await resume(0)).toBe(false);
        expect(await end(hold(1), settlement('cancelled'))).toBe('fenced');
        expect(await end({ executionId: id }, settlement('cancelled'))).toBe('ended');
        expect(await repository().find(id)).not.toHaveProperty('waits_until');
        await repository().noteKeepsNothing(id);
        const over = await repository().find(id);
        expect(over).not.toHaveProperty('keeps_workspace');
        expect(over?.suspension?.sealed).toBeUndefined();
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
