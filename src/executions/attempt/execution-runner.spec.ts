import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import { Metrics } from '../../common/metrics/metrics.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { NoTracing } from '../../integrations/tracing/tracing.js';
import { EndingFixture } from '../ending/ending.fixture.js';
import { pendingExecution } from '../record/execution.fixture.js';
import type { StoredStage } from '../record/stored-state.js';
import { MemoryExecutions } from '../record/memory-executions.fixture.js';
import type { ExecutionRecovery } from '../recovery/execution-recovery.js';
import type { AttemptEnd, ExecutionAttempt } from './execution-attempt.js';
import type { ExecutionAttempts } from './execution-attempts.js';
import { ExecutionRunner } from './execution-runner.js';
import { RunningAttempts } from './running-attempts.js';

Logger.overrideLogger(false);

const WORKER = { id: 'w', name: 'w' };
/** As the driver says that nobody answers. */
const AWAY = Object.assign(new Error('away'), { name: 'MongoServerSelectionError' });
const STAGE: StoredStage = {
  ...{ name: 'a', status: 'waiting', reason: null, steps: [] },
  ...{ started_at: null, finished_at: null, duration: null },
};
const turns = () => new Promise((resolve) => setImmediate(resolve));

const PREPARED = { root: '/prepared' };

describe('ExecutionRunner', () => {
  let executions: MemoryExecutions;
  let running: RunningAttempts;
  let metrics: Metrics;
  let ending: EndingFixture;
  let runner: ExecutionRunner;
  let id: string;
  /** What happened, in order. */
  let folders: string[];
  let events: string[];
  let endOf: () => Promise<AttemptEnd>;
  let finishCleaning: (() => void)[];

  beforeEach(async () => {
    executions = new MemoryExecutions();
    running = new RunningAttempts(executions.repository);
    metrics = new Metrics();
    ending = new EndingFixture(executions, new MemoryEventBus(), metrics);
    events = [];
    folders = [];
    finishCleaning = [];
    endOf = async () => 'settled';
    const attempt = (number: number): ExecutionAttempt =>
      standIn<ExecutionAttempt>({
        run: () => {
          events.push(`run ${number}`);
          return endOf();
        },
        cleanUp: () => {
          events.push('clean');
          return new Promise((resolve) => finishCleaning.push(resolve));
        },
      });
    runner = new ExecutionRunner(
      standIn<ExecutionAttempts>({
        prepare: () => {
          folders.push('made');
          return PREPARED;
        },
        unprepare: (prepared) => void folders.push(`${prepared.root} removed`),
        create: (execution, prepared) => {
          folders.push(`${prepared?.root} given`);
          return attempt(execution.attempt);
        },
      }),
      executions.repository,
      ending.endings,
      standIn<ExecutionRecovery>({
        recoverFromLostWorker: async () => void events.push('recover as from a lost worker'),
        revertUnconfirmedClaim: async (_id, attempt) =>
          void events.push(`give back claim ${attempt}`),
      }),
      running,
      metrics,
      new NoTracing(),
    );
    id = pendingExecution()._id;
    await executions.insert(pendingExecution({ _id: id, enqueue_number: 4, stages: [STAGE] }));
  });

  const attemptsCounted = async (end: string) =>
    (await metrics.registry.metrics()).includes(`attempts_total{end="${end}"} 1`);

  it('claims the execution for the worker and runs its attempt', async () => {
    expect(await runner.run(id, WORKER)).toBe('done');
    expect(executions.stored(id)).toMatchObject({ attempt: 1, placements: [{ worker_id: 'w' }] });
    expect(events).toEqual(['run 1', 'clean']);
    expect(await attemptsCounted('settled')).toBe(true);
    expect(running.count).toBe(0);
  });

  it('gives an attempt the folders that were made during its claim', async () => {
    await runner.run(id, WORKER);
    expect(folders).toEqual(['made', '/prepared given']);
  });

  it('removes them where there is no attempt', async () => {
    executions.patch(id, { status: 'cancelled' });
    await runner.run(id, WORKER);
    expect(folders).toEqual(['made', '/prepared removed']);
    jest.spyOn(executions.repository, 'claim').mockRejectedValueOnce(new Error('refused'));
    await runner.run(id, WORKER);
    expect(folders.slice(2)).toEqual(['made', '/prepared removed']);
  });

  it('holds the execution as long as it runs', async () => {
    let end: (end: AttemptEnd) => void = () => undefined;
    endOf = () => new Promise((resolve) => (end = resolve));
    const run = runner.run(id, WORKER);
    await turns();
    expect(running.ids).toEqual([id]);
    expect(await runner.run(id, WORKER)).toBe('done');
    expect(events).toEqual(['run 1']);
    end('settled');
    await run;
    expect(running.ids).toEqual([]);
  });

  it('frees the slot of a settled execution before it is cleaned up', async () => {
    await runner.run(id, WORKER);
    expect(finishCleaning).toHaveLength(1);
  });

  it.each(['requeued', 'fenced'] as const)(
    'frees the slot of an attempt that was %s only when nothing of it is left',
    async (how) => {
      endOf = async () => how;
      let isDone = false;
      const run = runner.run(id, WORKER).then(() => (isDone = true));
      await turns();
      expect([isDone, events]).toEqual([false, ['run 1', 'clean']]);
      expect(running.holds(id, 1)).toBe(true);
      finishCleaning[0]?.();
      await run;
      expect(events.slice(2)).toEqual([]);
    },
  );

  it('waits for one of too many that are cleaned up behind their slots', async () => {
    for (let count = 0; count < 64; count += 1) {
      const other = pendingExecution();
      await executions.insert(other);
      await runner.run(other._id, WORKER);
    }
    let isDone = false;
    const run = runner.run(id, WORKER).then(() => (isDone = true));
    await turns();
    expect(isDone).toBe(false);
    finishCleaning[0]?.();
    await run;
  });

  it('waits at its end for what is cleaned up', async () => {
    await runner.run(id, WORKER);
    let isClosed = false;
    const close = runner.close().then(() => (isClosed = true));
    await turns();
    expect(isClosed).toBe(false);
    finishCleaning[0]?.();
    await close;
  });

  it('is done with a job whose execution is not to be had', async () => {
    await executions.requestCancel(id, { at: new Date(), by: 'ada' });
    expect(await runner.run(id, WORKER)).toBe('done');
    expect(await runner.run('not there', WORKER)).toBe('done');
    expect(events).toEqual([]);
  });

  it('puts the job back while the database is away', async () => {
    executions.failure = AWAY;
    expect(await runner.run(id, WORKER)).toBe('put_back');
    executions.failure = undefined;
    expect(executions.stored(id).status).toBe('pending');
    expect(await runner.run(id, WORKER)).toBe('done');
    expect(events).toEqual(['run 1', 'clean']);
  });

  it('ends an execution that cannot be claimed, at the third try', async () => {
    jest.spyOn(executions, 'claim').mockRejectedValue(new Error('damaged'));
    for (let count = 0; count < 2; count += 1) {
      expect(await runner.run(id, WORKER)).toBe('done');
      expect(executions.stored(id).status).toBe('pending');
    }
    expect(await runner.run(id, WORKER)).toBe('done');
    expect(executions.stored(id)).toMatchObject({
      status: 'failed',
      reason: { code: 'internal_error' },
      stages: [{ status: 'skipped', reason: { code: 'internal_error' } }],
    });
    expect(executions.stored(id).outbox).toHaveLength(1);
    expect((await metrics.registry.metrics()).split('\n')).toContain(
      'millrace_executions_finished_total{status="failed"} 1',
    );
  });

  it('ends it also when what is stored of it cannot be read', async () => {
    jest.spyOn(executions, 'claim').mockRejectedValue(new Error('damaged'));
    executions.patch(id, { stages: null as never });
    for (let count = 0; count < 3; count += 1) await runner.run(id, WORKER);
    expect(executions.stored(id)).toMatchObject({ status: 'failed', stages: null });
  });

  it('leaves it for the next offer while the database is away', async () => {
    jest.spyOn(executions, 'claim').mockRejectedValue(new Error('damaged'));
    for (let count = 0; count < 2; count += 1) await runner.run(id, WORKER);
    executions.failure = AWAY;
    expect(await runner.run(id, WORKER)).toBe('done');
    executions.failure = undefined;
    expect(executions.stored(id).status).toBe('pending');
  });

  it('counts refusals again after a claim', async () => {
    const claim = jest.spyOn(executions, 'claim');
    const refuse = () => claim.mockRejectedValueOnce(new Error('damaged'));
    for (let count = 0; count < 2; count += 1) {
      refuse();
      await runner.run(id, WORKER);
    }
    endOf = async () => 'fenced';
    const run = runner.run(id, WORKER);
    await turns();
    finishCleaning[0]?.();
    await run;
    const reason = { code: 'r', message: 'm' };
    const back = { reason, placements: [], enqueueNumber: 5, workersLost: 0 };
    await executions.requeue({ executionId: id, fence: 1 }, back);
    refuse();
    await runner.run(id, WORKER);
    expect(executions.stored(id).status).toBe('pending');
  });

  it('notes an attempt that could not tell its end, and cleans up after it', async () => {
    endOf = () => Promise.reject(new Error('the document is damaged'));
    const run = runner.run(id, WORKER);
    await turns();
    expect(events).toEqual(['run 1', 'clean']);
    finishCleaning[0]?.();
    expect(await run).toBe('done');
    expect(running.hasFailed(executions.stored(id))).toBe(true);
    expect(await attemptsCounted('failed')).toBe(true);
  });

  describe('recovers what the database says that it runs', () => {
    beforeEach(async () => {
      await executions.claim(id, WORKER);
    });

    it('but it does not: the claim was never heard here', async () => {
      await runner.recoverOrphans('w');
      expect(events).toEqual(['give back claim 1']);
    });

    it('but it could not tell the end of: as if the worker were lost', async () => {
      running.noteFailed(executions.stored(id));
      await runner.recoverOrphans('w');
      expect(events).toEqual(['recover as from a lost worker']);
    });

    it('and never what it does run, or is about to claim', async () => {
      running.beginClaim(id);
      await runner.recoverOrphans('w');
      running.endClaim(id);
      running.add(executions.stored(id), standIn<ExecutionAttempt>({}));
      await runner.recoverOrphans('w');
      await runner.recoverOrphans('another');
      expect(events).toEqual([]);
    });
  });
});
