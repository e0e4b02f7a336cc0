import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import { readEvents, type ServerEvent } from '../support/event-stream.js';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer } from '../support/millrace-server.js';
import { expectInvariants } from './support/expect-invariants.js';

/** From the blow: what the dead process had for it (5 s), and a round of the reconciler. */
const RELAYED_MS = 25_000;

interface Stored {
  readonly _id: string;
  readonly status: string;
  readonly outbox?: readonly { readonly event_id: string }[];
  readonly outbox_due?: Date;
}

describe('a process dies between the end of an execution and the news of it', () => {
  let server: MillraceServer;
  let ledger: Ledger;
  let client: MongoClient;
  let redis: Redis;

  beforeAll(async () => {
    ledger = await Ledger.open();
    server = await MillraceServer.start({ workers: 0 });
    client = await MongoClient.connect(server.environment['MONGODB_URI'] ?? '');
    const url = new URL(server.environment['REDIS_URL'] ?? '', 'unix://');
    redis = new Redis({ path: url.pathname, db: Number(url.searchParams.get('db') ?? '0') });
  });

  afterAll(async () => {
    redis.disconnect();
    await client.close();
    await server.stop();
    await ledger.remove();
  });

  const stored = (id: string) =>
    client
      .db(server.environment['MONGODB_DATABASE'])
      .collection<Stored>('executions')
      .findOne({ _id: id });

  /**
   * Milliseconds that its live state lives on: an hour, until its end is told; -2 when it is gone.
   */
  const liveStateTtl = (id: string) =>
    redis.pttl(`${server.environment['MONGODB_DATABASE']}:live:${id}:state`);

  const yaml = (): string =>
    `name: told\nsteps:\n  - { name: work, run: ${JSON.stringify(`${ledger.note}\nsleep 0.3`)} }\n`;

  async function follow(id: string): Promise<ServerEvent[]> {
    const response = await server.fetch('GET', `/api/ci/executions/${id}/events`);
    const events: ServerEvent[] = [];
    for await (const event of readEvents(response)) events.push(event);
    return events;
  }

  async function expectRelayed(id: string): Promise<void> {
    await eventually(async () => {
      const execution = await stored(id);
      return (execution !== null && !execution.outbox && !execution.outbox_due) || undefined;
    }, RELAYED_MS);
    expect(await liveStateTtl(id)).toBeLessThanOrEqual(10_000);
  }

  it.each([{ isRedisEmptied: false }, { isRedisEmptied: true }])(
    'the worker that ran it, Redis emptied too: $isRedisEmptied',
    async ({ isRedisEmptied }) => {
      const doomed = await server.startWorker({ FAIL_POINT: 'execution_settled' });
      const id = await server.trigger(await server.createPipeline(yaml()));
      const events = follow(id);
      await eventually(() => doomed.child.signalCode ?? undefined);
      const unreported = await stored(id);
      expect(unreported).toMatchObject({
        status: 'success',
        outbox: [{ event_id: `${id}:finished` }],
      });
      expect(await liveStateTtl(id)).toBeGreaterThan(60_000);
      if (isRedisEmptied) await redis.flushdb();
      expect((await events).at(-1)).toMatchObject({ event: 'done', data: { status: 'success' } });
      await expectRelayed(id);
      // The workspace is for another worker to remove.
      const heir = await server.startWorker();
      await expectInvariants({ server, ledger });
      await heir.end();
    },
  );

  it('the API that cancelled it while it was pending: a worker tells it', async () => {
    const id = await server.trigger(await server.createPipeline(yaml()));
    await server.api?.end();
    const doomed = await server.startApi({ FAIL_POINT: 'execution_settled' });
    const request = server.call('POST', `/api/ci/executions/${id}/cancel`, {});
    await expect(request).rejects.toThrow();
    await eventually(() => doomed.child.signalCode ?? undefined);
    expect(await stored(id)).toMatchObject({
      status: 'cancelled',
      outbox: [{ event_id: `${id}:finished` }],
    });
    await server.startWorker();
    await expectRelayed(id);
    await server.startApi();
    expect((await follow(id)).at(-1)).toMatchObject({
      event: 'done',
      data: { status: 'cancelled' },
    });
    await expectInvariants({ server, ledger });
  });
});
