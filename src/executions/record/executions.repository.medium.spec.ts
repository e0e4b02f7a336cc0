import { randomUUID } from 'node:crypto';
import { testServices } from '../../../test/support/services.js';
import { DatabaseConnection } from '../../integrations/database/database-connection.js';
import { executionReasons } from './execution-reasons.js';
import { pendingExecution } from './execution.fixture.js';
import { ExecutionRecord, ExecutionSchema } from './execution.schema.js';
import { ExecutionsRepository, type Settlement } from './executions.repository.js';

const { mongodbUri, databaseName } = testServices();
const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 20 });
const executions = new ExecutionsRepository(
  database.connection.model(ExecutionRecord.name, ExecutionSchema),
);
const WAIT_MS = 10_000;
const options = { deadlineMs: WAIT_MS };

jest.setTimeout(60_000);

beforeAll(() => database.open());
afterAll(() => database.close());

describe('ExecutionsRepository', () => {
  let id: string;
  const hold = (fence: number) => ({ executionId: id, fence });
  const claim = (worker = 'w') => executions.claim(id, { id: worker, name: worker }, WAIT_MS);
  const cancel = () => executions.requestCancel(id, { at: new Date(), by: 'somebody' });
  const back = async () => ({
    reason: executionReasons.workerStopped('w'),
    placements: (await executions.find(id))?.placements ?? [],
    enqueueNumber: 2,
    workersLost: 0,
  });

  beforeEach(async () => {
    id = randomUUID();
    await executions.insert(pendingExecution({ _id: id }));
  });

  it('inserts once, however often it is told', async () => {
    await claim();
    await executions.insert(pendingExecution({ _id: id }));
    expect(await executions.find(id)).toMatchObject({ status: 'running', attempt: 1 });
  });

  it('lets exactly one of 20 claimants win', async () => {
    const workers = Array.from({ length: 20 }, (_item, index) => `w${index}`);
    const claims = await Promise.all(workers.map((worker) => claim(worker)));
    const winners = workers.filter((_worker, index) => claims[index] !== null);
    expect(winners).toHaveLength(1);
    const stored = await executions.find(id);
    expect(stored).toMatchObject({ status: 'running', attempt: 1 });
    expect(stored?.placements.map(({ worker_id }) => worker_id)).toEqual(winners);
    expect(await executions.claimedBy(winners[0] ?? '')).toMatchObject([{ _id: id, attempt: 1 }]);
  });

  it('settles once, and says so again', async () => {
    await claim();
    expect(await executions.settle(hold(1), settlement('success'), options)).toBe('settled');
    const ended = await executions.find(id);
    expect(await executions.settle(hold(1), settlement('failed'), options)).toBe('settled');
    expect(await executions.find(id)).toEqual(ended);
  });

  it('refuses everything of an attempt that was superseded', async () => {
    await claim('first');
    expect(await executions.release(hold(1), await back())).toBe(true);
    expect(await executions.release(hold(1), await back())).toBe(false);
    await claim('second');
    const before = await executions.find(id);
    const { trigger_info } = pendingExecution();
    const progress = { ...settlement('running'), trigger_info, last_seq: 9 };
    expect(await executions.recordProgress(hold(1), progress)).toBe(false);
    expect(await executions.settle(hold(1), settlement('failed'), options)).toBe('fenced');
    expect(await executions.release(hold(1), await back())).toBe(false);
    expect(await executions.find(id)).toEqual(before);
    expect(await executions.claimedBy('first')).toEqual([]);
  });

  it('a cancel that came first can only end cancelled', async () => {
    await claim();
    await cancel();
    expect(await executions.settle(hold(1), settlement('success'), options)).toBe(
      'cancel_requested',
    );
    expect(await executions.release(hold(1), await back())).toBe(false);
    expect(await executions.settle(hold(1), settlement('cancelled'), options)).toBe('settled');
    expect(await claim()).toBeNull();
  });

  it.each(Array.from({ length: 10 }, (_item, index) => index))(
    'race %i of settle, release and cancel: one of them, and the cancel is never lost',
    async () => {
      await claim();
      const release = await back();
      const [settled, released, asked] = await Promise.all([
        executions.settle(hold(1), settlement('success'), options),
        executions.release(hold(1), release),
        cancel(),
      ]);
      const after = await executions.find(id);
      if (settled === 'settled' && after?.status === 'success') {
        expect(released).toBe(false);
        expect(after.cancel_requested).toBeNull();
        expect(asked?.status).toBe('success');
      } else if (released) {
        expect(after).toMatchObject({ status: 'pending', cancel_requested: { by: 'somebody' } });
        expect(await claim()).toBeNull();
        const end = {
          status: 'cancelled',
          reason: executionReasons.cancelled('x', undefined),
        } as const;
        expect(await executions.endUnplaced(id, end)).toBe(true);
        expect(await executions.endUnplaced(id, end)).toBe(false);
      } else {
        expect([settled, after?.status]).toEqual(['cancel_requested', 'running']);
      }
    },
  );

  it('a claim and a cancel: either nobody holds it, or its holder can only cancel', async () => {
    const [claimed] = await Promise.all([claim(), cancel()]);
    expect(await executions.find(id)).toMatchObject({
      status: claimed ? 'running' : 'pending',
      cancel_requested: { by: 'somebody' },
    });
  });

  it('keeps the first cancel', async () => {
    await claim();
    const first = await cancel();
    const second = await executions.requestCancel(id, { at: new Date(0), by: 'another' });
    expect(second?.cancel_requested).toEqual(first?.cancel_requested);
  });
});

function settlement(status: Settlement['status']): Settlement {
  return {
    ...blankRun,
    status,
    reason: null,
    started_at: new Date(1),
    finished_at: new Date(2),
    duration: 1,
    last_seq: 3,
    logs: [],
  };
}

const blankRun = {
  checkout: null,
  stages: [],
  on_failure: [],
  always: [],
  failure: null,
  commit: null,
};
