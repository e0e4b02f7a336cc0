import { randomUUID } from 'node:crypto';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';
import { processesWith } from '../support/processes.js';
import { expectInvariants, noteRecovery } from './support/expect-invariants.js';
import { Jitter } from './support/jitter.js';

/** From the loss of a worker to the end or a new attempt, with what the machine's load may add. */
const LOSS_MS = 40_000;

describe('a worker is lost', () => {
  let server: MillraceServer;
  let ledger: Ledger;
  const jitter = new Jitter('worker-loss');

  beforeAll(async () => {
    ledger = await Ledger.open();
    server = await MillraceServer.start({ workers: 2, concurrency: 2 });
  });

  afterAll(async () => {
    await server.stop();
    await ledger.remove();
  });

  it('kill -9 mid-step: a new attempt elsewhere where a retry is left, else failed; no process is left', async () => {
    const mark = `lost-${randomUUID()}`;
    const retried = await begin(
      pipeline(1, `test "$CI_EXECUTION_ATTEMPT" = 2 || sleep 600; : ${mark}`),
    );
    const holder = await holderOf(retried);
    const failing = await beginOn(holder, pipeline(0, `sleep 600; : ${mark}`));

    await jitter.before(1_000);
    const lostAt = performance.now();
    process.kill(holder.pid, 'SIGKILL');
    await server.startWorker();

    await eventually(async () => (await processesWith(mark)).length === 0 || undefined, 20_000);
    noteRecovery('worker killed to its processes gone', performance.now() - lostAt);
    await server.until(retried, ({ attempt }) => attempt === 2, LOSS_MS);
    noteRecovery('worker killed to a new attempt', performance.now() - lostAt);
    const first = await server.finished(retried, LOSS_MS);
    expect(first).toMatchObject({ status: 'success', attempt: 2 });
    expect(first.placements.map(({ worker_name }) => worker_name)).not.toEqual([
      first.placements[0]?.worker_name,
      first.placements[0]?.worker_name,
    ]);
    expect(first.placements[0]).toMatchObject({ reason: { code: 'worker_lost' } });
    const second = await server.finished(failing, LOSS_MS);
    expect(second).toMatchObject({ status: 'failed', attempt: 1, reason: { code: 'worker_lost' } });
    expect(second.stages[0]?.steps[0]).toMatchObject({ status: 'failed' });
    await expectInvariants({ server, ledger });
  });

  it('SIGSTOP past the lease, then SIGCONT: its late writes are refused', async () => {
    const mark = `slept-${randomUUID()}`;
    const id = await begin(pipeline(1, `test "$CI_EXECUTION_ATTEMPT" = 2 || sleep 600; : ${mark}`));
    const holder = await holderOf(id);
    await jitter.before(1_000);
    process.kill(holder.pid, 'SIGSTOP');
    const ended = await server.finished(id, LOSS_MS);
    expect(ended).toMatchObject({ status: 'success', attempt: 2 });
    await eventually(async () => (await processesWith(mark)).length === 0 || undefined, 20_000);

    process.kill(holder.pid, 'SIGCONT');
    await eventually(() => holder.output().includes('fenced') || undefined, 20_000);
    expect(await server.execution(id)).toEqual(ended);
    await eventually(() => holder.child.exitCode ?? undefined, 20_000);
    await expectInvariants({ server, ledger });
  });

  it('SIGTERM: gives back what does not end in time, at no cost of a retry', async () => {
    const id = await begin(pipeline(0, 'test "$CI_EXECUTION_ATTEMPT" = 2 || sleep 600'));
    const holder = await holderOf(id);
    await server.startWorker();
    await jitter.before(1_000);
    await holder.end('SIGTERM');
    const ended = await server.finished(id);
    expect(ended).toMatchObject({ status: 'success', attempt: 2 });
    expect(ended.placements[0]).toMatchObject({ reason: { code: 'worker_stopped' } });
    await expectInvariants({ server, ledger });
  });

  function pipeline(retryCount: number, run: string): string {
    const command = JSON.stringify(`${ledger.note}\n${run}`);
    return `name: lost\nretry_count: ${retryCount}\nsteps:\n  - { name: work, retry: { max: 0 }, run: ${command} }\n`;
  }

  async function begin(yaml: string): Promise<string> {
    const id = await server.trigger(await server.createPipeline(yaml));
    await eventually(
      async () => (await ledger.entries()).some(({ execution }) => execution === id) || undefined,
    );
    // The worker tells it a moment after the process began; killed before that, it never does.
    await server.until(id, ({ stages }) => stages[0]?.steps[0]?.status === 'running');
    return id;
  }

  /** Triggers until one lands on this worker; the others are cancelled. */
  async function beginOn(worker: ServerProcess, yaml: string): Promise<string> {
    for (;;) {
      const id = await begin(yaml);
      if ((await holderOf(id)) === worker) return id;
      await server.call('POST', `/api/ci/executions/${id}/cancel`, {});
      await server.finished(id);
    }
  }

  async function holderOf(id: string): Promise<ServerProcess> {
    const execution = await server.until(id, ({ placements }) => placements.length > 0);
    const name = execution.placements.at(-1)?.worker_name ?? '';
    const holder = server.workers.find(({ pid }) => name.endsWith(`-${pid}`));
    if (!holder) throw new Error(`no worker is named ${name}`);
    return holder;
  }
});
