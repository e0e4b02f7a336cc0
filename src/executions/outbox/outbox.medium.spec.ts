import { testKeyring } from '../../secrets/encryption/keyring.fixture.js';
import { Logger } from '@nestjs/common';
import { eventually } from '../../../test/support/eventually.js';
import { testServices } from '../../../test/support/services.js';
import { Metrics } from '../../common/metrics/metrics.js';
import { DatabaseConnection } from '../../integrations/database/database-connection.js';
import { RedisEventBus } from '../../integrations/event-bus/redis-event-bus.js';
import { BullJobQueue } from '../../integrations/job-queue/bull-job-queue.js';
import { RedisConnections } from '../../integrations/redis/redis-connections.js';
import { NoTracing } from '../../integrations/tracing/tracing.js';
import { EndExecution } from '../ending/end-execution.js';
import { pendingExecution } from '../record/execution.fixture.js';
import { ExecutionRecord, ExecutionSchema } from '../record/execution.schema.js';
import { ExecutionsRepository } from '../record/executions.repository.js';
import { LiveExecutions } from '../record/live-executions.js';
import { DirectHandover } from './direct-handover.js';
import { LiveFeedConsumer } from './live-feed.consumer.js';
import { OutboxConsumers, type ExecutionEvent } from './outbox-consumers.js';
import { describeOutboxStore } from './outbox-store.contract.spec.js';
import { OutboxRelay } from './outbox-relay.js';
import { OutboxRepository } from './outbox.repository.js';

const { mongodbUri, databaseName, redisUrl, keyPrefix } = testServices();

const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 20 });
const model = database.connection.model(ExecutionRecord.name, ExecutionSchema);

beforeAll(() => database.open());
afterAll(() => database.close());

describeOutboxStore('the database', () => ({
  executions: new ExecutionsRepository(model, testKeyring()),
  outboxes: new OutboxRepository(model),
}));

describe('outboxes over the real stores', () => {
  const executions = new ExecutionsRepository(model, testKeyring());
  const store = new OutboxRepository(model);
  const redis = new RedisConnections({ url: redisUrl, keyPrefix });
  const bus = new RedisEventBus(redis);
  const jobs = new BullJobQueue(redis);
  const consumers = new OutboxConsumers();
  const relay = new OutboxRelay(store, consumers, jobs);
  const handover = new DirectHandover(store, consumers, relay);
  const endings = new EndExecution(executions, handover, new Metrics(), new NoTracing());
  const heard: ExecutionEvent[] = [];
  let refusals = 0;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    await eventually(() =>
      redis.ping().then(
        () => true,
        () => undefined,
      ),
    );
    new LiveFeedConsumer(new LiveExecutions(bus), consumers).onModuleInit();
    consumers.register({
      name: 'listener',
      types: ['execution.finished'],
      isDirect: false,
      handle: (event) => {
        heard.push(event);
        if (refusals-- > 0) return Promise.reject(new Error('not now'));
        return Promise.resolve();
      },
    });
    relay.onApplicationBootstrap();
  });
  afterAll(async () => {
    await handover.onApplicationShutdown();
    await relay.onApplicationShutdown();
    await jobs.close();
    bus.close();
    redis.close();
  });
  beforeEach(() => {
    heard.length = 0;
    refusals = 0;
  });

  async function pending(): Promise<string> {
    const execution = pendingExecution();
    await executions.insert(execution);
    return execution._id;
  }

  const end = (executionId: string) =>
    endings.end(
      { executionId },
      { status: 'failed', reason: null, started_at: null, finished_at: new Date() },
    );

  const isClear = (id: string) => async () => {
    const execution = await executions.find(id);
    return (execution?.outbox === undefined && execution?.outbox_due === undefined) || undefined;
  };

  const timesHeard = (id: string) => heard.filter(({ executionId }) => executionId === id).length;
  const makeDue = (id: string) =>
    model.collection.updateOne({ _id: id as never }, { $set: { outbox_due: new Date(1) } });

  it('goes to the feed, then by the relay to who is not direct, and is empty then', async () => {
    const id = await pending();
    expect(await end(id)).toBe('ended');
    await eventually(isClear(id));
    expect(timesHeard(id)).toBe(1);
    expect(heard[0]).toMatchObject({ id: `${id}:finished`, type: 'execution.finished' });
  });

  it('comes again after a refusal, only to who refused, when the time has come', async () => {
    refusals = 1;
    const id = await pending();
    await end(id);
    const tried = await eventually(async () => {
      const [event] = await store.read(id);
      return event?.tries === 1 ? event : undefined;
    });
    expect(tried.taken_by).toEqual(['live-feed']);
    await relay.enqueueDue();
    expect(timesHeard(id)).toBe(1);
    await makeDue(id);
    await relay.enqueueDue();
    await eventually(isClear(id));
    expect(timesHeard(id)).toBe(2);
  });

  it('comes although Redis lost every key of it', async () => {
    const id = await pending();
    jest.spyOn(handover, 'handOver').mockResolvedValueOnce();
    await end(id);
    await redis.commands().flushdb();
    await makeDue(id);
    await relay.enqueueDue();
    await eventually(isClear(id));
    expect(timesHeard(id)).toBe(1);
  });

  it('found among many executions without one, by their index, those that are due first', async () => {
    await Promise.all(Array.from({ length: 300 }, pending));
    const ids = [await pending(), await pending()];
    jest.spyOn(handover, 'handOver').mockResolvedValue();
    for (const id of ids) await end(id);
    jest.restoreAllMocks();
    const [, second = ''] = ids;
    await makeDue(second);
    const waiting = await store.waiting(10);
    expect(waiting.map(({ executionId }) => executionId)).toEqual([...ids].reverse());
    expect(await store.waiting(1)).toHaveLength(1);
    const plan = await model.collection
      .find({ outbox_due: { $gt: new Date(0) } }, { sort: { outbox_due: 1 } })
      .explain();
    expect(JSON.stringify(plan)).toContain('outbox_due_1');
    for (const id of ids) await relay.relay(id);
    expect(await store.waiting(10)).toEqual([]);
  });
});
