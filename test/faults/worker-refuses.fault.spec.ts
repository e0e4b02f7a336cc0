import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';
import { expectInvariants } from './support/expect-invariants.js';

interface Explanation {
  readonly status: string;
  readonly reason: { readonly code: string };
  readonly queue: { readonly refusals: readonly { readonly code: string }[] };
}

/** More than any machine has: the largest value that the configuration takes. */
const MOST = '1024GiB';

describe('a worker under a floor', () => {
  let server: MillraceServer;

  beforeAll(async () => {
    server = await MillraceServer.start({ workers: 0 });
  });

  afterAll(async () => {
    await server.stop();
  });

  it.each([
    ['disk', 'MIN_FREE_DISK', 'disk_low'],
    ['memory', 'MIN_FREE_MEMORY', 'memory_low'],
  ])('of %s takes no execution and says why; another one takes it', async (_what, name, code) => {
    const { bavail, bsize } = await statfs(tmpdir());
    expect(bavail * bsize).toBeLessThan(1024 ** 4);
    const refusing = await server.startWorker({ [name]: MOST });
    const id = await server.trigger(
      await server.createPipeline('name: waits\nsteps:\n  - { name: only, run: "true" }\n'),
    );
    const why = await eventually(async () => {
      const told = await server.call<Explanation>('GET', `/api/ci/executions/${id}/explain`);
      return told.queue.refusals.length > 0 ? told : undefined;
    });
    expect(why).toMatchObject({
      status: 'pending',
      reason: { code: 'workers_refuse' },
      queue: { refusals: [{ code }] },
    });
    const health = await server.fetch('GET', '/api/healthchecker');
    expect(await health.text()).toContain('no worker takes executions');

    const able = await server.startWorker();
    const ended = await server.finished(id);
    expect(ended).toMatchObject({ status: 'success', attempt: 1 });
    expect(ended.placements.map(({ worker_name }) => worker_name)).toEqual([
      expect.stringMatching(new RegExp(`-${able.pid}$`)),
    ]);
    await expectInvariants({ server });
    await Promise.all([refusing.end(), able.end()]);
  });
});
