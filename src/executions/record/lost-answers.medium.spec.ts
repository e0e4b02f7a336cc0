import { testKeyring } from '../../secrets/encryption/keyring.fixture.js';
import type { Collection, Model } from 'mongoose';
import { testServices } from '../../../test/support/services.js';
import { DatabaseConnection } from '../../integrations/database/database-connection.js';
import { executionReasons } from './execution-reasons.js';
import { pendingExecution } from './execution.fixture.js';
import { ExecutionRecord, ExecutionSchema } from './execution.schema.js';
import { ExecutionsRepository, type Settlement } from './executions.repository.js';
import { executionFinished } from './outbox-event.js';

const { mongodbUri, databaseName } = testServices();
const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 5 });
const real = database.connection.model(ExecutionRecord.name, ExecutionSchema);

beforeAll(() => database.open());
afterAll(() => database.close());

/** Answers that are still to be lost: the call takes effect, and the connection breaks. */
let toLose = 0;

/** The executions of a process whose connection breaks behind its writes. */
function overBrokenLine(): ExecutionsRepository {
  const collection = database.connection.collection<ExecutionRecord>('executions');
  const broken = new Proxy(collection, {
    get: (target, name: keyof Collection<ExecutionRecord>) => {
      if (name !== 'updateOne' && name !== 'bulkWrite') return target[name];
      return async (...call: unknown[]) => {
        const answer: unknown = await Reflect.apply(target[name], target, call);
        if (toLose-- > 0) throw Object.assign(new Error('gone'), { name: 'MongoNetworkError' });
        return answer;
      };
    },
  });
  const model = { collection: real.collection, db: { collection: () => broken } };
  return new ExecutionsRepository(model as unknown as Model<ExecutionRecord>, testKeyring());
}

describe('a move whose answer is lost', () => {
  const mine = overBrokenLine();
  const others = new ExecutionsRepository(real, testKeyring());
  const worker = { id: 'w', name: 'w' };
  let id: string;

  beforeEach(async () => {
    toLose = 0;
    const execution = pendingExecution();
    id = execution._id;
    await others.insert(execution);
    await others.claim(id, worker, 3_000);
  });

  const hold = () => ({ executionId: id, fence: 1 });
  const settlement = (at: number): Settlement => ({
    status: 'failed',
    reason: null,
    started_at: null,
    finished_at: new Date(at),
  });
  const end = (by: ExecutionsRepository, at: number) =>
    by.end(hold(), settlement(at), executionFinished(id, new Date(at)), { deadlineMs: 10_000 });
  const requeue = (by: ExecutionsRepository) =>
    by.requeue(hold(), {
      reason: executionReasons.workerStopped('w'),
      placements: [],
      enqueueNumber: 2,
      workersLost: 0,
    });

  it.each([1, 3])('is one end, of whoever made it, after %i lost answers', async (count) => {
    toLose = count;
    expect(await end(mine, 5)).toBe('ended');
    expect(toLose).toBeLessThan(count);
    expect((await others.find(id))?.outbox).toHaveLength(1);
    expect(await end(others, 5)).toBe('fenced');
  });

  it('is not taken for the end that another made meanwhile', async () => {
    expect(await end(others, 6)).toBe('ended');
    toLose = 1;
    expect(await end(mine, 5)).toBe('fenced');
  });

  it('is one requeue', async () => {
    toLose = 1;
    expect(await requeue(mine)).toBe('requeued');
    expect(toLose).toBeLessThan(1);
    expect(await requeue(others)).toBe('fenced');
    expect(await others.find(id)).toMatchObject({ status: 'pending', enqueue_number: 2 });
  });

  it('is not taken for the requeue that another made meanwhile', async () => {
    expect(await requeue(others)).toBe('requeued');
    toLose = 1;
    expect(await requeue(mine)).toBe('fenced');
  });
});
