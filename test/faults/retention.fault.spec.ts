import { randomBytes } from 'node:crypto';
import mongoose, { type Connection } from 'mongoose';
import { firstUuidAt } from '../../src/common/ids/uuid.js';
import { endedExecution } from '../../src/executions/record/execution.fixture.js';
import type { ExecutionRecord } from '../../src/executions/record/execution.schema.js';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';
import { testServices } from '../support/services.js';

const DAY = 86_400_000;

describe('retention', () => {
  let server: MillraceServer;
  let database: Connection;

  beforeAll(async () => {
    server = await MillraceServer.start({ workers: 0 });
    database = await mongoose
      .createConnection(testServices().mongodbUri, {
        dbName: server.environment['MONGODB_DATABASE'],
        retryWrites: false,
      })
      .asPromise();
  });

  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  const count = (collection: string) => database.collection(collection).countDocuments({});

  it('killed between log and execution leaves nothing that the next sweep does not remove, and logs how much it was', async () => {
    const now = Date.now();
    const old = Array.from({ length: 150 }, (_item, n) =>
      endedExecution('success', { created_at: new Date(now - 40 * DAY + n), attempt: 1 }),
    );
    const kept = endedExecution('success', { created_at: new Date(now - DAY), attempt: 1 });
    await database.collection<ExecutionRecord>('executions').insertMany([...old, kept]);
    const ids = [...old, kept].map(({ _id }) => _id);
    await database.collection<{ _id: string; execution_id: string }>('log_chunks').insertMany(
      ids.map((id) => ({
        _id: `${id}:1:1`,
        execution_id: id,
        fence: 1,
        first_seq: 1,
        last_seq: 1,
      })),
    );
    await database
      .collection<{ _id: string }>('execution_traces')
      .insertMany(ids.map((id) => ({ _id: `${id}.1`, traces: [] })));
    // Written by a worker that woke too late.
    const stray = `${firstUuidAt(now - 50 * DAY).slice(0, -12)}${randomBytes(6).toString('hex')}`;
    await database
      .collection<{ _id: string; execution_id: string }>('log_chunks')
      .insertOne({ _id: `${stray}:1:1`, execution_id: stray });

    await server.api?.end();
    const RETENTION_DAYS = '30';
    const doomed = await server.startApi({ RETENTION_DAYS, FAIL_POINT: 'retention_log_removed' });
    await eventually(() => doomed.child.signalCode ?? undefined);
    expect(await count('log_chunks')).toBe(52);
    expect(await count('executions')).toBe(151);

    // Its lease runs for a minute, which others watch; this is the end of that minute.
    await database
      .collection<{ _id: string }>('leases')
      .updateOne({ _id: 'retention' }, { $set: { holder: null } });
    const next = await server.startApi({ RETENTION_DAYS });
    await eventually(async () => (await count('executions')) === 1 || undefined);
    await eventually(
      () =>
        /"aged":150,"surplus":0,"strays":1,.*retention removed/.test(next.output()) || undefined,
    );
    expect(await count('log_chunks')).toBe(1);
    expect(await count('execution_traces')).toBe(1);
    expect(await server.execution(kept._id)).toMatchObject({ id: kept._id, status: 'success' });
  });
});
