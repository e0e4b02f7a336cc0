import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir } from 'node:fs/promises';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attemptFolder } from '../../src/workspaces/attempt-folder.js';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';
import { expectInvariants, noteRecovery } from './support/expect-invariants.js';

/** What is promised, with what the machine's load may add. */
const TAKEN_OVER_MS = 40_000;

describe('a worker stands still', () => {
  let server: MillraceServer;
  let ledger: Ledger;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mr-still-'));
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    ledger = await Ledger.open();
    server = await MillraceServer.start({ workers: 0, concurrency: 2 });
  });

  afterAll(async () => {
    await server.stop();
    await ledger.remove();
    rmSync(folder, { recursive: true });
  });

  it.each(['THREADS', 'LOOP'])(
    '%s wait for ever: its lease runs out, and its execution is taken over',
    async (part) => {
      const worker = await server.startWorker({
        FAIL_POINT: `step_started:${part}=${join(folder, 'fifo')}`,
      });
      const id = await server.trigger(
        await server.createPipeline(`name: still
retry_count: 1
steps:
  - { name: work, run: ${JSON.stringify(`${ledger.note}\ntest "$CI_EXECUTION_ATTEMPT" = 2 || sleep 600`)} }
`),
      );
      await eventually(
        async () => (await ledger.entries()).some(({ execution }) => execution === id) || undefined,
      );
      const stillSince = performance.now();
      const heir = await server.startWorker();
      const ended = await server.finished(id, TAKEN_OVER_MS);
      noteRecovery(`${part} stand still to the end elsewhere`, performance.now() - stillSince);
      expect(ended).toMatchObject({ status: 'success', attempt: 2 });
      expect(ended.placements[0]).toMatchObject({ reason: { code: 'worker_lost' } });
      if (part === 'THREADS') {
        await eventually(() => worker.child.signalCode ?? undefined, 20_000);
        expect(worker.output()).toContain('no file operation was answered for 15 s');
      }
      await worker.end('SIGKILL');
      await expectInvariants({ server, ledger });
      await heir.end('SIGTERM');
    },
  );

  const asRoot = process.getuid?.() === 0 ? it : it.skip;
  asRoot('a folder that cannot be removed keeps no worker from its other duties', async () => {
    const worker = await server.startWorker();
    const pipeline = await server.createPipeline('name: plain\nsteps: [echo hello]\n');
    const dead = '0190a0b0-0000-7000-8000-00000000dead';
    // Whoever owns it, nobody removes a folder on which something is mounted.
    const kept = join(server.home, 'w', attemptFolder(dead, 1));
    const mounted = join(kept, 'work', 'mounted');
    mkdirSync(mounted, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', mounted]);
    await eventually(() => worker.output().includes('folder not removed') || undefined, 20_000);
    const id = await workerId(worker);
    const first = await looks(id);

    await server.call('POST', `/api/workers/${id}/drain`, {});
    await eventually(async () => (await statusOf(id)) === 'draining' || undefined, 20_000);
    await server.call('DELETE', `/api/workers/${id}/drain`);
    const run = await server.trigger(pipeline);
    expect(await server.finished(run, 30_000)).toMatchObject({ status: 'success' });
    await eventually(async () => (await looks(id)) !== first || undefined, 30_000);
    expect(await readdir(join(server.home, 'w'))).toEqual([attemptFolder(dead, 1)]);

    execFileSync('umount', [mounted]);
    await eventually(
      async () => (await readdir(join(server.home, 'w'))).length === 0 || undefined,
      60_000,
    );
    await worker.end('SIGTERM');
  });

  interface Worker {
    readonly id: string;
    readonly pid: number;
    readonly status: string;
    readonly machine: unknown;
  }

  async function workers(): Promise<readonly Worker[]> {
    return server.call('GET', '/api/workers');
  }

  async function workerId({ pid }: ServerProcess): Promise<string> {
    return eventually(async () => (await workers()).find((each) => each.pid === pid)?.id);
  }

  async function statusOf(id: string): Promise<string | undefined> {
    return (await workers()).find((each) => each.id === id)?.status;
  }

  async function looks(id: string): Promise<string> {
    return JSON.stringify((await workers()).find((each) => each.id === id)?.machine);
  }
});
