import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer } from '../support/millrace-server.js';
import { expectInvariants } from './support/expect-invariants.js';

interface Page {
  readonly items: readonly { readonly id: string }[];
}

describe('a process dies at a named point', () => {
  let server: MillraceServer;
  let ledger: Ledger;

  beforeAll(async () => {
    ledger = await Ledger.open();
    server = await MillraceServer.start({ workers: 0 });
  });

  afterAll(async () => {
    await server.stop();
    await ledger.remove();
  });

  const yaml = (): string =>
    `name: once\nretry_count: 1\nsteps:\n  - { name: work, run: ${JSON.stringify(ledger.note)} }\n`;

  it('the API between insert and enqueue: the execution still runs, once', async () => {
    const pipeline = await server.createPipeline(yaml());
    await server.api?.end();
    await server.startApi({ FAIL_POINT: 'execution_inserted' });
    await expect(server.trigger(pipeline)).rejects.toThrow();
    await server.startApi();
    await server.startWorker();
    const { items } = await server.call<Page>('GET', '/api/ci/executions?limit=5');
    expect(items).toHaveLength(1);
    const id = items[0]?.id ?? '';
    expect(await server.finished(id)).toMatchObject({ status: 'success', attempt: 1 });
    expect((await ledger.entries()).map(({ execution }) => execution)).toEqual([id]);
    await expectInvariants({ server, ledger });
  });

  it.each(['execution_claimed', 'log_closed'])(
    'a worker at %s: a new attempt ends it, and nothing runs twice in one attempt',
    async (point) => {
      await Promise.all(server.workers.map((worker) => worker.end()));
      const doomed = await server.startWorker({ FAIL_POINT: point });
      const id = await server.trigger(await server.createPipeline(yaml()));
      await eventually(() => doomed.child.signalCode ?? undefined);
      await server.startWorker();
      const ended = await server.finished(id, 45_000);
      expect(ended).toMatchObject({ status: 'success', attempt: 2 });
      await expectInvariants({ server, ledger });
    },
  );
});
