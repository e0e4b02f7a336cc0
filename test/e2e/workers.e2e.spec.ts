import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';

interface WorkerBody {
  readonly id: string;
  readonly status: string;
  readonly heartbeat_at: string;
  readonly refusal: { readonly code: string; readonly message: string } | null;
  readonly drain_requested: { readonly by: string; readonly reason: string | null } | null;
  readonly executions: readonly string[];
}

const yaml = (run: string): string =>
  `name: w\nstages:\n  - name: main\n    steps:\n      - name: only\n        run: ${run}\n`;

describe('/api/workers', () => {
  let server: MillraceServer;

  beforeAll(async () => {
    server = await MillraceServer.start({ workers: 1 });
  });

  afterAll(async () => {
    await server.stop();
  });

  const only = async (): Promise<WorkerBody> => {
    const [worker] = await server.call<WorkerBody[]>('GET', '/api/workers');
    if (!worker) throw new Error('no worker');
    return worker;
  };
  const until = (is: (worker: WorkerBody) => boolean): Promise<WorkerBody> =>
    eventually(async () => {
      const worker = await only();
      return is(worker) ? worker : undefined;
    });

  it('shows load, versions and heartbeat', async () => {
    expect(await only()).toMatchObject({
      status: 'active',
      labels: ['linux'],
      concurrency: 4,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/) as unknown,
      node_version: process.version,
      machine: {
        load_average: expect.any(Number) as unknown,
        cores: expect.any(Number) as unknown,
        free_memory: expect.any(Number) as unknown,
        free_disk: expect.any(Number) as unknown,
      },
      heartbeat_age: expect.any(Number) as unknown,
      refusal: null,
      drain_requested: null,
    });
  });

  it('lets a drained worker finish what it runs and take nothing more, until that is undone', async () => {
    const long = await server.trigger(await server.createPipeline(yaml('sleep 18')));
    await server.until(long, ({ status }) => status === 'running');
    const { id } = await only();
    const drained = await server.call<WorkerBody>('POST', `/api/workers/${id}/drain`, {
      reason: 'kernel update',
    });
    expect(drained).toMatchObject({
      status: 'draining',
      refusal: { code: 'drained' },
      drain_requested: { by: 'token', reason: 'kernel update' },
    });
    // It hears of it at the first heartbeat from now, and tells what it made of it at the second.
    for (let beats = 0; beats < 2; beats++) {
      const { heartbeat_at: last } = await only();
      await until(({ heartbeat_at }) => heartbeat_at !== last);
    }
    const draining = await only();
    expect(draining.refusal).toEqual({
      code: 'drained',
      message: 'token asked it to drain: kernel update',
    });
    expect(draining.executions).toEqual([long]);

    const waits = await server.trigger(await server.createPipeline(yaml('echo later')));
    expect((await server.finished(long)).status).toBe('success');
    await sleep(1_000); // Longer than a put-back takes: it had its chances.
    expect((await server.execution(waits)).status).toBe('pending');

    const resumed = await server.call<WorkerBody>('DELETE', `/api/workers/${id}/drain`);
    expect(resumed).toMatchObject({ status: 'active', refusal: null, drain_requested: null });
    expect((await server.finished(waits)).status).toBe('success');
    await until(({ status, refusal }) => status === 'active' && refusal === null);
  });

  it('refuses what is no live worker', async () => {
    const status = async (id: string, body?: object): Promise<number> =>
      (await server.fetch('POST', `/api/workers/${id}/drain`, body)).status;
    expect(await status('01932f5e-7c3a-7b21-9c44-0d2f6f0a1b2c')).toBe(404);
    expect(await status('nonsense')).toBe(400);
    const { id } = await only();
    expect(await status(id, { reason: 'a\nb' })).toBe(400);
    await server.workers[0]?.end();
    expect(await status(id)).toBe(409);
  });

  it('calls a worker that is being stopped so at once, while it lets end what it runs', async () => {
    const stopping = await server.startWorker();
    const long = await server.trigger(await server.createPipeline(yaml('sleep 6')));
    await server.until(long, ({ status }) => status === 'running');
    const asked = performance.now();
    const ended = stopping.end('SIGTERM');
    await until(({ status }) => status === 'draining');
    expect(performance.now() - asked).toBeLessThan(4_000); // A heartbeat comes every 5 s.
    expect((await server.execution(long)).status).toBe('running');
    await ended;
    expect((await only()).status).toBe('stopped');
    expect((await server.execution(long)).status).toBe('success');
  });
});
