import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import { MaskSet } from '../../common/redaction/mask-set.js';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import { pendingState } from '../../engine/runtime/pending-state.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { LogReader } from '../../logs/read/log-reader.js';
import { MemoryLogChunkStore } from '../../logs/store/memory-log-chunk-store.js';
import { LogWriter } from '../../logs/write/log-writer.js';
import type { PlansService } from '../../pipelines/versions/plans.service.js';
import { EndingFixture } from '../ending/ending.fixture.js';
import type { ExecutionPlacer } from '../placement/execution-placer.js';
import { pendingExecution } from '../record/execution.fixture.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import type { LiveExecutions } from '../record/live-executions.js';
import { MemoryExecutions } from '../record/memory-executions.fixture.js';
import { runContextOf } from '../record/run-context.js';
import { storedRun } from '../record/stored-state.js';
import { ExecutionRecovery } from './execution-recovery.js';
import { RequeueExecution } from './requeue-execution.js';

Logger.overrideLogger(false);

const { plan } = compileYaml(`
name: p
retry_count: 2
stages:
  - { name: one, steps: [{ name: x, run: ok }] }
  - { name: two, steps: [{ name: x, run: ok }] }
`);
if (!plan) throw new Error('does not compile');
const compiled = plan;

describe('an execution whose worker is lost', () => {
  let executions: MemoryExecutions;
  let chunks: MemoryLogChunkStore;
  let live: LiveExecutions;
  let fixture: EndingFixture;
  let requeuing: RequeueExecution;
  let offered: number[];
  let recovery: ExecutionRecovery;
  let id: string;

  beforeEach(async () => {
    const bus = new MemoryEventBus();
    executions = new MemoryExecutions();
    chunks = new MemoryLogChunkStore();
    fixture = new EndingFixture(executions, bus);
    live = fixture.live;
    offered = [];
    const placer = standIn<ExecutionPlacer>({
      offer: async ({ enqueue_number }) => {
        // Whoever takes the job must find it pending.
        expect(stored().status).toBe('pending');
        offered.push(enqueue_number);
        return true;
      },
    });
    requeuing = new RequeueExecution(executions.repository, placer);
    recovery = new ExecutionRecovery(
      executions.repository,
      standIn<PlansService>({ get: async () => compiled }),
      chunks,
      new LogReader(chunks),
      fixture.endings,
      requeuing,
      live,
      fixture.metrics,
    );
    const blank = pendingExecution();
    id = blank._id;
    const run = storedRun(pendingState(compiled, runContextOf(blank)));
    await executions.insert({ ...blank, ...run });
  });

  afterEach(() => fixture.close());

  const stored = (): ExecutionRecord => executions.stored(id);

  /** A worker claims it, and prints these lines before it dies. */
  async function lose(lines: readonly { stage: string; step: string; text: string }[] = []) {
    const claimed = await executions.claim(id, { id: 'w', name: 'worker-1' });
    if (!claimed) throw new Error('not claimed');
    const log = new LogWriter({
      executionId: id,
      fence: claimed.attempt,
      firstSeq: 1,
      masks: MaskSet.from([]),
      store: chunks,
      clock: { now: () => 5_000, after: () => () => undefined },
      onProblem: (problem) => {
        throw problem.error;
      },
    });
    for (const { stage, step, text } of lines) {
      const sink = log.source({ stage, step, attempt: 1, stream: 'stdout' });
      await sink.write(Buffer.from(`${text}\n`));
      sink.end();
    }
    await log.close();
    return claimed;
  }

  const recoveries = async (outcome: string): Promise<number> => {
    const { values } = await fixture.metrics.recoveries.get();
    return values.find(({ labels }) => labels.outcome === outcome)?.value ?? 0;
  };

  it('is offered again, which costs one retry', async () => {
    await lose();
    await recovery.recoverFromLostWorker(id, 'w');
    expect(stored()).toMatchObject({
      status: 'pending',
      reason: { code: 'worker_lost', data: { worker: 'worker-1', retries_left: 2 } },
      workers_lost: 1,
      enqueue_number: 2,
      placements: [{ reason: { code: 'worker_lost' }, log_lost: true, last_seq: 0 }],
    });
    expect(offered).toEqual([2]);
  });

  it('ends when every retry went with a worker', async () => {
    for (let count = 0; count < 3; count += 1) {
      await lose();
      await recovery.recoverFromLostWorker(id, 'w');
    }
    expect(stored()).toMatchObject({
      status: 'failed',
      attempt: 3,
      reason: { code: 'worker_lost', data: { retries_left: 0 } },
      stages: [{ status: 'skipped' }, { status: 'skipped' }],
    });
    expect(stored().finished_at).not.toBeNull();
    expect(offered).toEqual([2, 3]);
  });

  describe('before it has restored what it continues from', () => {
    const suspension = { attempt: 0, at: new Date(), bytes: 1, answers: [] };

    it('is offered again at no cost, as it was, with its log whole', async () => {
      executions.patch(id, { suspension: { ...suspension, continued_in: null } });
      await lose();
      await recovery.recoverFromLostWorker(id, 'w');
      expect(stored()).toMatchObject({
        status: 'pending',
        reason: { code: 'restore_lost' },
        workers_lost: 0,
        placements: [{ last_seq: 0, reason: { code: 'restore_lost' } }],
      });
      expect(stored().placements[0]).not.toHaveProperty('log_lost');
    });

    it('costs a retry the fourth time in a row', async () => {
      executions.patch(id, { suspension: { ...suspension, continued_in: null } });
      for (let count = 0; count < 4; count += 1) {
        await lose();
        await recovery.recoverFromLostWorker(id, 'w');
      }
      expect(stored()).toMatchObject({ reason: { code: 'worker_lost' }, workers_lost: 1 });
    });

    it('costs a retry once its steps could begin', async () => {
      await lose();
      executions.patch(id, { suspension: { ...suspension, continued_in: 1 } });
      await recovery.recoverFromLostWorker(id, 'w');
      expect(stored()).toMatchObject({ reason: { code: 'worker_lost' }, workers_lost: 1 });
    });
  });

  it('keeps the log up to the last line that was stored', async () => {
    await lose([
      { stage: 'one', step: 'x', text: 'a' },
      { stage: 'one', step: 'x', text: 'b' },
    ]);
    await recovery.recoverFromLostWorker(id, 'w');
    expect(stored().placements[0]).toMatchObject({ last_seq: 2, log_lost: true });
  });

  it('had begun what printed, and nothing that only has its name', async () => {
    await lose([{ stage: 'one', step: 'x', text: 'a' }]);
    await executions.requestCancel(id, { at: new Date(), by: 'ada' });
    await recovery.recoverFromLostWorker(id, 'w');
    const [one, two] = stored().stages;
    expect(one).toMatchObject({
      status: 'cancelled',
      started_at: new Date(5_000),
      steps: [{ started_at: new Date(5_000), attempts: [{ number: 1, status: 'cancelled' }] }],
    });
    expect(two).toMatchObject({
      status: 'cancelled',
      started_at: null,
      steps: [{ started_at: null, attempts: [] }],
    });
  });

  it('is cancelled, not offered, when somebody asked for that', async () => {
    await lose();
    await executions.requestCancel(id, { at: new Date(), by: 'ada', reason: 'wrong' });
    await recovery.recoverFromLostWorker(id, 'w');
    expect(stored()).toMatchObject({
      status: 'cancelled',
      reason: { message: 'Cancelled by ada: wrong.' },
    });
    expect(offered).toEqual([]);
  });

  it('keeps the last word of its worker, also when only live readers had heard it', async () => {
    const claimed = await lose();
    const { checkout, stages, on_failure, always, failure, commit, trigger_info } = claimed;
    const told = { checkout, on_failure, always, failure, commit };
    const ran = stages.map((stage) => ({ ...stage, status: 'success' as const }));
    await live.tell(id, 1, {
      ...told,
      stages: ran,
      started_at: new Date(1_000),
      trigger_info: { ...trigger_info, commit_hash: 'c' },
    });
    await recovery.recoverFromLostWorker(id, 'w');
    // What the next attempt clones is what this one cloned.
    expect(stored().trigger_info.commit_hash).toBe('c');
    // And it may begin behind what this one passed.
    expect(stored().stages.map(({ status }) => status)).toEqual(['success', 'success']);
  });

  it('has one recovery and one metric, however many find its worker lost at once', async () => {
    for (const outcome of ['requeued', 'requeued', 'ended']) {
      await lose();
      const before = await recoveries(outcome);
      await Promise.all([1, 2, 3].map(() => recovery.recoverFromLostWorker(id, 'w')));
      expect(await recoveries(outcome)).toBe(before + 1);
    }
    expect(offered).toEqual([2, 3]);
    expect(stored().outbox).toMatchObject([{ event_id: `${id}:finished` }]);
  });

  it('is left to a worker that has taken it since the other one was found lost', async () => {
    await lose();
    // Two processes find the worker lost; the first recovers, and a new worker claims at once.
    await recovery.recoverFromLostWorker(id, 'w');
    expect(await executions.claim(id, { id: 'w2', name: 'worker-2' })).not.toBeNull();
    await recovery.recoverFromLostWorker(id, 'w');
    expect(stored()).toMatchObject({ status: 'running', attempt: 2, workers_lost: 1 });
    expect(offered).toEqual([2]);
  });

  it.each([0, 2])(
    'with %i workers lost before it, leaves a cancel that comes in between to the next round',
    async (workers_lost) => {
      await lose();
      executions.patch(id, { workers_lost });
      const find = jest.spyOn(executions, 'find').mockImplementationOnce(async () => {
        const read = stored();
        await executions.requestCancel(id, { at: new Date(), by: 'ada' });
        return read;
      });
      await recovery.recoverFromLostWorker(id, 'w');
      expect(find).toHaveBeenCalledTimes(1);
      expect(stored()).toMatchObject({ status: 'running' });
      await recovery.recoverFromLostWorker(id, 'w');
      expect(stored()).toMatchObject({ status: 'cancelled' });
      expect(offered).toEqual([]);
    },
  );

  it('is left alone when it is over, pending, or not there', async () => {
    await recovery.recoverFromLostWorker(id, 'w');
    await recovery.recoverFromLostWorker('not there', 'w');
    expect(stored()).toMatchObject({ status: 'pending', workers_lost: 0 });
    await lose();
    await recovery.recoverFromLostWorker(id, 'w');
    await recovery.recoverFromLostWorker(id, 'w');
    expect(stored()).toMatchObject({ status: 'pending', workers_lost: 1 });
    expect(offered).toEqual([2]);
  });

  describe('because the worker never heard of its claim', () => {
    it('is offered again, which costs no retry and no line', async () => {
      await lose();
      await recovery.revertUnconfirmedClaim(id, 1);
      expect(stored()).toMatchObject({
        status: 'pending',
        reason: { code: 'claim_unheard' },
        workers_lost: 0,
        enqueue_number: 2,
        placements: [{ last_seq: 0 }],
      });
      expect(offered).toEqual([2]);
    });

    it('continues missing the lines that were lost before', async () => {
      await lose([{ stage: 'one', step: 'x', text: 'a' }]);
      await recovery.recoverFromLostWorker(id, 'w');
      await executions.claim(id, { id: 'w', name: 'worker-1' });
      await recovery.revertUnconfirmedClaim(id, 2);
      expect(stored().placements.at(-1)).toMatchObject({ log_lost: true });
    });

    it('is left alone when another attempt has it', async () => {
      await lose();
      await recovery.revertUnconfirmedClaim(id, 2);
      expect(stored()).toMatchObject({ status: 'running', attempt: 1 });
    });

    it('is cancelled when somebody asked for that', async () => {
      await lose();
      await executions.requestCancel(id, { at: new Date(), by: 'ada' });
      await recovery.revertUnconfirmedClaim(id, 1);
      expect(stored()).toMatchObject({ status: 'cancelled', last_seq: 0 });
      expect(offered).toEqual([]);
    });
  });
});
