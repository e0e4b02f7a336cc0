import { Queue } from 'bullmq';
import { MongoClient } from 'mongodb';
import { queueForLabels } from '../../src/executions/placement/execution-queue.js';
import { eventually } from '../support/eventually.js';
import { Ledger } from '../support/ledger.js';
import { MillraceServer } from '../support/millrace-server.js';
import { expectInvariants } from './support/expect-invariants.js';

type Fields = Readonly<Record<string, unknown>>;

describe('poison', () => {
  let server: MillraceServer;
  let ledger: Ledger;
  let client: MongoClient;

  beforeAll(async () => {
    ledger = await Ledger.open();
    server = await MillraceServer.start({ workers: 0 });
    client = await MongoClient.connect(server.environment['MONGODB_URI'] ?? '');
  });

  afterAll(async () => {
    await client.close();
    await server.stop();
    await ledger.remove();
  });

  it('jobs of garbage are dropped, and what comes after them runs', async () => {
    const queue = new Queue(queueForLabels([]), {
      connection: { ...redisAddress(), maxRetriesPerRequest: null },
      prefix: `${server.environment['MONGODB_DATABASE']}:bull`,
    });
    const garbage = [
      {},
      null,
      'text',
      { executionId: 42, enqueueNumber: 'x' },
      { executionId: { $ne: null }, enqueueNumber: 1 },
      { executionId: 'no such execution', enqueueNumber: 1 },
    ];
    for (const data of garbage) await queue.add('execution', data);
    const worker = await server.startWorker();
    const id = await server.trigger(await server.createPipeline(yaml()));
    expect(await server.finished(id)).toMatchObject({ status: 'success', attempt: 1 });
    let counts: Readonly<Record<string, number>> = {};
    await eventually(async () => {
      counts = await queue.getJobCounts('wait', 'active', 'delayed');
      return Object.values(counts).every((count) => count === 0) || undefined;
    })
      .catch((error: unknown) => {
        throw new Error(JSON.stringify(counts), { cause: error });
      })
      .finally(() => queue.close());
    expect(worker.child.exitCode).toBeNull();
    await expectInvariants({ server, ledger });
    await worker.end();
  });

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['the plan is missing', (id) => ofPlan(id, (hash) => plans().deleteOne({ _id: hash }))],
    [
      'the plan is garbage',
      (id) => ofPlan(id, (hash) => plans().updateOne({ _id: hash }, { $set: { plan: '{"a":' } })),
    ],
    [
      'the plan is of another shape',
      (id) => ofPlan(id, (hash) => plans().updateOne({ _id: hash }, { $set: { plan: '{}' } })),
    ],
    ['inputs and trigger are gone', (id) => set(id, { inputs: null, trigger_info: null })],
    ['the attempt is no number', (id) => set(id, { attempt: 'x' })],
  ])(
    'an execution that cannot be run (%s) ends failed, with a reason, and runs nothing',
    async (_what, spoil) => {
      const ran = (await ledger.entries()).length;
      // Another text each time: equal plans are one, and this one is to be spoilt.
      const id = await server.trigger(await server.createPipeline(yaml(`echo ${ran} ${_what}`)));
      await spoil(id);
      const worker = await server.startWorker();
      const status = await eventually(async () => {
        const stored = await executions().findOne({ _id: id });
        return stored?.['status'] === 'pending' || stored?.['status'] === 'running'
          ? undefined
          : stored;
      }, 60_000);
      expect(status).toMatchObject({ status: 'failed', reason: { code: expect.any(String) } });
      expect(await ledger.entries()).toHaveLength(ran);
      // It does not take the worker with it, nor its slot.
      const next = await server.trigger(await server.createPipeline(yaml('echo next')));
      expect(await server.finished(next)).toMatchObject({ status: 'success' });
      expect(worker.output()).not.toMatch(/unhandled|uncaught/i);
      await worker.end();
    },
  );

  const database = () => client.db(server.environment['MONGODB_DATABASE']);
  const executions = () => database().collection<{ _id: string } & Fields>('executions');
  const plans = () => database().collection<{ _id: string } & Fields>('plans');

  async function set(id: string, fields: Fields): Promise<void> {
    await executions().updateOne({ _id: id }, { $set: fields });
  }

  async function ofPlan(id: string, spoil: (hash: string) => Promise<unknown>): Promise<void> {
    const execution = await executions().findOne({ _id: id });
    await spoil(String(execution?.['plan_hash']));
  }

  function redisAddress(): { path: string; db: number } {
    const url = new URL(server.environment['REDIS_URL'] ?? '', 'unix://');
    return { path: url.pathname, db: Number(url.searchParams.get('db') ?? '0') };
  }

  function yaml(run = 'echo line'): string {
    const command = JSON.stringify(`${ledger.note}\n${run}`);
    return `name: poison\nretry_count: 1\nsteps:\n  - { name: only, retry: { max: 0 }, run: ${command} }\n`;
  }
});
