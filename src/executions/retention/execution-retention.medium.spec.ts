import { testKeyring } from '../../secrets/encryption/keyring.fixture.js';
import { randomUUID } from 'node:crypto';
import { testServices } from '../../../test/support/services.js';
import { firstUuidAt } from '../../common/ids/uuid.js';
import { ExecutionPart, type RemovedExecution } from '../../common/retention/execution-part.js';
import { ExecutionParts } from '../../common/retention/execution-parts.js';
import { DatabaseConnection } from '../../integrations/database/database-connection.js';
import { LogChunkRepository } from '../../logs/store/log-chunk.repository.js';
import {
  LOG_CHUNK_MODEL,
  type LogChunkDocument,
  logChunkSchema,
} from '../../logs/store/log-chunk.schema.js';
import { LogPart } from '../../logs/store/log-part.js';
import type { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { ExecutionTraceRecord, ExecutionTraceSchema } from '../record/execution-trace.schema.js';
import { ExecutionTracesRepository } from '../record/execution-traces.repository.js';
import { endedExecution, pendingExecution } from '../record/execution.fixture.js';
import { ExecutionRecord, ExecutionSchema } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { TracesPart } from '../record/traces-part.js';
import { ExecutionRetention } from './execution-retention.js';
import { RetentionRepository } from './retention.repository.js';

const { mongodbUri, databaseName } = testServices();
const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 10 });
const model = database.connection.model(ExecutionRecord.name, ExecutionSchema);
const executions = new ExecutionsRepository(model, testKeyring());
const traces = new ExecutionTracesRepository(
  database.connection.model(ExecutionTraceRecord.name, ExecutionTraceSchema),
);
const chunks = new LogChunkRepository(
  database.connection.model<LogChunkDocument>(LOG_CHUNK_MODEL, logChunkSchema),
);

/** A part that a later feature may have. It can fail for some executions, or for all. */
class ArtifactsPart extends ExecutionPart {
  readonly name = 'artifacts';
  readonly kept = new Set<string>();
  fails: (id: string) => boolean = () => false;

  async remove(removed: readonly RemovedExecution[]): Promise<void> {
    for (const { id } of removed) {
      if (this.fails(id)) throw new Error('the object store is away');
      this.kept.delete(id);
    }
  }

  async firstExecution(before: string): Promise<string | undefined> {
    const [first] = [...this.kept].sort();
    return first !== undefined && first < before ? first : undefined;
  }
}
const artifacts = new ArtifactsPart();

const now = Date.now();
const DAY = 86_400_000;
const daysAgo = (days: number) => new Date(now - days * DAY);
const always = () => Promise.resolve(true);

/** With these pipelines; the rest of pipelines has no part in it. */
function retention(...pipelines: readonly string[]): ExecutionRetention {
  const list = () => Promise.resolve({ items: pipelines.map((_id) => ({ _id })) });
  const parts = new ExecutionParts();
  for (const part of [new LogPart(chunks), new TracesPart(traces), artifacts]) parts.register(part);
  return new ExecutionRetention(new RetentionRepository(model), parts, {
    list,
  } as unknown as PipelinesService);
}

async function store(...records: readonly ExecutionRecord[]): Promise<void> {
  for (const record of records) {
    await executions.insert(record);
    await storeBelongings(record._id, record.attempt);
  }
}

async function storeBelongings(executionId: string, attempts: number): Promise<void> {
  for (let fence = 1; fence <= attempts; fence++) {
    const line = { firstSeq: fence, lastSeq: fence, rawBytes: 1, sources: [], data: Buffer.of(1) };
    await chunks.insert({ executionId, fence, ...line });
    await traces.save({ executionId, fence }, [
      { stage: 's', step: null, trace: { expression: 'true', result: true, parts: [] } },
    ]);
  }
}

/** What there is of an execution: itself, its chunks, its traces. */
async function restsOf(id: string, attempts = 1): Promise<string[]> {
  const rests = (await executions.find(id)) ? ['execution'] : [];
  for (let fence = 1; fence <= attempts; fence++) {
    if ((await chunks.lastSeq(id, fence)) !== undefined) rests.push(`log ${fence}`);
    if ((await traces.find(id, fence)).length > 0) rests.push(`trace ${fence}`);
  }
  return rests;
}

const WHOLE = ['execution', 'log 1', 'trace 1'];

beforeAll(() => database.open());
afterAll(() => database.close());
beforeEach(async () => {
  await Promise.all(
    Object.values(database.connection.models).map((each) => each.deleteMany({}).exec()),
  );
});

describe('ExecutionRetention', () => {
  beforeEach(() => {
    artifacts.kept.clear();
    artifacts.fails = () => false;
  });

  it('removes every part, and the execution last', async () => {
    const old = endedExecution('success', { created_at: daysAgo(9) });
    await store(old);
    artifacts.kept.add(old._id);
    artifacts.fails = () => true;
    const rule = { days: 7, count: 0 };
    const failed = await retention().sweep(rule, now, always);
    expect(failed).toEqual({ aged: 0, surplus: 0, strays: 0, kept: 1 });
    // What a failed part leaves is not orphaned: the execution is found again.
    expect(await restsOf(old._id)).toEqual(['execution']);
    expect([...artifacts.kept]).toEqual([old._id]);

    artifacts.fails = () => false;
    expect(await retention().sweep(rule, now, always)).toEqual({
      aged: 1,
      surplus: 0,
      strays: 0,
      kept: 0,
    });
    expect(await restsOf(old._id)).toEqual([]);
    expect([...artifacts.kept]).toEqual([]);
  });

  it('keeps an execution whose part fails, and removes the others', async () => {
    const old = Array.from({ length: 120 }, (_item, n) =>
      endedExecution('success', { created_at: new Date(now - 9 * DAY - n), attempt: 0 }),
    );
    await database.connection.collection<ExecutionRecord>('executions').insertMany(old);
    for (const { _id } of old) artifacts.kept.add(_id);
    const bad = new Set([old[7]?._id ?? '', old[110]?._id ?? '']);
    artifacts.fails = (id) => bad.has(id);

    const result = await retention().sweep({ days: 7, count: 0 }, now, always);

    expect(result).toEqual({ aged: 118, surplus: 0, strays: 0, kept: 2 });
    expect([...artifacts.kept].sort()).toEqual([...bad].sort());
    const left = await Promise.all(old.map(async ({ _id }) => [_id, await restsOf(_id, 0)]));
    expect(left.filter(([, rests]) => rests?.length)).toEqual(
      old.filter(({ _id }) => bad.has(_id)).map(({ _id }) => [_id, ['execution']]),
    );
  });

  it('ends when a part fails for everything', async () => {
    const old = Array.from({ length: 120 }, (_item, n) =>
      endedExecution('success', { created_at: new Date(now - 9 * DAY - n), attempt: 0 }),
    );
    await database.connection.collection<ExecutionRecord>('executions').insertMany(old);
    let asked = 0;
    artifacts.fails = () => ++asked > 0;
    const sweep = retention().sweep({ days: 7, count: 0 }, now, always);
    await expect(sweep).rejects.toThrow('the object store is away');
    expect(asked).toBeLessThan(50);
    expect(await executions.find(old[0]?._id ?? '')).not.toBeNull();
  });

  it('removes what one part alone still has of an execution that is gone', async () => {
    const gone = firstUuidAt(now - 30 * DAY);
    artifacts.kept.add(gone);
    const { strays } = await retention().sweep({ days: 7, count: 0 }, now, always);
    expect(strays).toBe(1);
    expect([...artifacts.kept]).toEqual([]);
  });

  it('removes by age what is over, with all of it, and nothing else', async () => {
    const old = endedExecution('failed', { created_at: daysAgo(9), attempt: 3 });
    const young = endedExecution('success', { created_at: daysAgo(6) });
    const lateEnd = endedExecution('success', { created_at: daysAgo(9) }, { durationMs: 4 * DAY });
    const running = pendingExecution({ created_at: daysAgo(30), status: 'running', attempt: 1 });
    const waiting = pendingExecution({ created_at: daysAgo(30), attempt: 0 });
    await store(old, young, lateEnd, running, waiting);

    const result = await retention().sweep({ days: 7, count: 0 }, now, always);

    expect(result).toEqual({ aged: 1, surplus: 0, strays: 0, kept: 0 });
    expect(await restsOf(old._id, 3)).toEqual([]);
    for (const kept of [young, lateEnd, running]) expect(await restsOf(kept._id)).toEqual(WHOLE);
    expect(await restsOf(waiting._id, 0)).toEqual(['execution']);
  });

  it('keeps the newest finished ones of each pipeline, and what has just ended', async () => {
    const [busy, quiet, deleted] = [randomUUID(), randomUUID(), randomUUID()];
    const of = (pipeline_id: string, days: number) =>
      endedExecution('success', { pipeline_id, created_at: daysAgo(days) });
    const busyOnes = [1, 2, 3, 4, 5].map((days) => of(busy, days));
    const live = pendingExecution({ pipeline_id: busy, status: 'running', created_at: daysAgo(8) });
    const others = [
      of(quiet, 50),
      of(quiet, 60),
      of(deleted, 70),
      of(deleted, 80),
      of(deleted, 90),
    ];
    await store(...busyOnes, live, ...others);

    const result = await retention(busy, quiet).sweep({ days: 0, count: 2 }, now, always);

    expect(result).toEqual({ aged: 0, surplus: 3, strays: 0, kept: 0 });
    const left = await Promise.all(busyOnes.map(({ _id }) => restsOf(_id)));
    expect(left).toEqual([WHOLE, WHOLE, [], [], []]);
    for (const { _id } of others) expect(await restsOf(_id)).toEqual(WHOLE);

    const justEnded = [0, 1, 2].map((n) =>
      endedExecution('success', { pipeline_id: quiet, created_at: new Date(now - 60_000 - n) }),
    );
    await store(...justEnded);
    const again = await retention(quiet).sweep({ days: 0, count: 1 }, now, always);
    expect(again.surplus).toBe(2);
    for (const { _id } of justEnded) expect(await restsOf(_id)).toEqual(WHOLE);
  });

  it('finishes what an earlier sweep was killed at', async () => {
    const half = endedExecution('success', { created_at: daysAgo(9) });
    await store(half);
    await chunks.deleteExecutions([half._id]);
    await retention().sweep({ days: 7, count: 0 }, now, always);
    expect(await restsOf(half._id)).toEqual([]);
  });

  it('removes what was written for executions that are gone, and no more than that', async () => {
    const [gone, alsoGone] = [firstUuidAt(now - 40 * DAY), firstUuidAt(now - 30 * DAY)];
    const onItsWay = firstUuidAt(now - 1_000);
    const kept = endedExecution('success', { created_at: daysAgo(20) });
    await storeBelongings(gone, 2);
    await traces.save({ executionId: alsoGone, fence: 3 }, [
      { stage: 's', step: null, trace: { expression: 'true', result: true, parts: [] } },
    ]);
    await storeBelongings(onItsWay, 1);
    await store(kept);

    const result = await retention().sweep({ days: 90, count: 0 }, now, always);

    expect(result).toEqual({ aged: 0, surplus: 0, strays: 2, kept: 0 });
    expect([await restsOf(gone, 2), await restsOf(alsoGone, 3)]).toEqual([[], []]);
    expect(await restsOf(onItsWay)).toEqual(['log 1', 'trace 1']);
    expect(await restsOf(kept._id)).toEqual(WHOLE);
  });

  it('goes in small batches and stops between two of them when told', async () => {
    const old = Array.from({ length: 250 }, (_item, n) =>
      endedExecution('success', { created_at: new Date(now - 9 * DAY - n), attempt: 0 }),
    );
    await database.connection.collection<ExecutionRecord>('executions').insertMany(old);
    let asked = 0;
    const twice = () => Promise.resolve(++asked <= 2);
    const rule = { days: 7, count: 0 };
    expect((await retention().sweep(rule, now, twice)).aged).toBe(200);
    expect((await retention().sweep(rule, now, always)).aged).toBe(50);
  });

  it('may run twice at once', async () => {
    const old = Array.from({ length: 120 }, (_item, n) =>
      endedExecution('success', { created_at: new Date(now - 9 * DAY - n), attempt: 0 }),
    );
    await database.connection.collection<ExecutionRecord>('executions').insertMany(old);
    const rule = { days: 7, count: 0 };
    const both = await Promise.all([0, 1].map(() => retention().sweep(rule, now, always)));
    expect(both.reduce((sum, { aged }) => sum + aged, 0)).toBe(120);
  });
});
