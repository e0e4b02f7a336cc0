import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import mongoose from 'mongoose';
import { testServices } from '../../../test/support/services.js';
import { MaskSet } from '../../common/redaction/mask-set.js';
import { RedisEventBus } from '../../integrations/event-bus/redis-event-bus.js';
import { RedisConnections } from '../../integrations/redis/redis-connections.js';
import { LogReader } from '../read/log-reader.js';
import { LogChunkRepository } from '../store/log-chunk.repository.js';
import {
  LOG_CHUNK_MODEL,
  logChunkSchema,
  type LogChunkDocument,
} from '../store/log-chunk.schema.js';
import { LogWriter } from '../write/log-writer.js';
import { realClock } from '../write/log-writer.fixture.js';
import { ExecutionFeed } from './execution-feed.js';
import { FeedReader, serveFeed } from './execution-feed.fixture.js';
import type { ExecutionView } from './execution-view.js';

const { mongodbUri, databaseName, redisUrl, keyPrefix } = testServices();
const total = 200_000;
const secret = 's3cr3t-value-of-a-token';

describe('a flood of 200,000 lines over the real stores', () => {
  const connection = mongoose.createConnection(mongodbUri, {
    dbName: databaseName,
    retryWrites: false,
  });
  const model = connection.model<LogChunkDocument>(LOG_CHUNK_MODEL, logChunkSchema);
  const store = new LogChunkRepository(model);
  const redis = new RedisConnections({ url: redisUrl, keyPrefix });
  const bus = new RedisEventBus(redis);
  const reader = new LogReader(store, bus);
  const views = new Map<string, ExecutionView>();
  const feed = new ExecutionFeed({
    reader,
    bus,
    loadView: async (id) => views.get(id),
    onProblem: (error) => {
      throw error as Error;
    },
  });
  let url = '';
  let server: Server;

  beforeAll(async () => {
    const commands = redis.commands();
    await Promise.all([
      connection.asPromise().then(() => model.createIndexes()),
      new Promise((resolve) => commands.once('ready', resolve)),
    ]);
    ({ url, server } = await serveFeed(feed));
  });
  afterAll(async () => {
    feed.close();
    server.closeAllConnections();
    server.close();
    bus.close();
    redis.close();
    await connection.dropDatabase();
    await connection.close();
  });

  it('arrives complete and in order by events with a reconnect in the middle, and from the store at the end', async () => {
    const id = randomUUID();
    views.set(id, {
      status: { status: 'running' },
      fences: [{ fence: 1, firstSeq: 1 }],
      finished: false,
    });
    const first = new FeedReader(`${url}/${id}`, undefined, (event, one) => {
      if ((event.id ?? 0) > total / 2) one.leave();
    });
    await first.until(() => first.events.length > 0);

    const masks = MaskSet.from([secret]);
    const writer = new LogWriter({
      executionId: id,
      fence: 1,
      firstSeq: 1,
      masks,
      store,
      bus,
      clock: realClock,
      onProblem: ({ error }) => {
        throw error as Error;
      },
    });
    const sink = writer.source({ stage: 's', step: 'flood', attempt: 1, stream: 'stdout' });
    for (let from = 1; from <= total; from += 600) {
      const numbers = Array.from(
        { length: Math.min(600, total - from + 1) },
        (_, index) => from + index,
      );
      const room = sink.write(
        Buffer.from(numbers.map((number) => `${textOf(number, secret)}\n`).join('')),
      );
      if (room !== true) await room;
    }
    const { lastSeq } = await writer.close();
    expect(lastSeq).toBe(total);

    let next = 1;
    const fences = [{ fence: 1, firstSeq: 1, lastSeq }];
    for await (const line of new LogReader(store).readLines({
      executionId: id,
      fences,
      afterSeq: 0,
    })) {
      if (line.seq !== next || line.text !== textOf(next, '***')) {
        throw new Error(`stored line ${next} is ${JSON.stringify(line)}`);
      }
      next++;
    }
    expect(next).toBe(total + 1);

    views.set(id, { status: { status: 'success' }, fences, finished: true });
    await bus.endLive(id, 10_000);
    await first.until(() => first.ended);
    const last = first.lastId() ?? 0;
    expect(last).toBeGreaterThan(total / 2);
    const second = new FeedReader(`${url}/${id}`, last);
    await second.until(() => second.ended);
    const lines = [...first.lines(), ...second.lines()];
    expect(lines).toHaveLength(total);
    const wrong = lines.findIndex(
      ({ seq, text }, index) => seq !== index + 1 || text !== textOf(seq, '***'),
    );
    expect(wrong).toBe(-1);
    expect(second.events.at(-1)).toEqual({
      event: 'done',
      data: { status: 'success', last_seq: total },
    });
  });

  it('costs one chunk for a run of 50 short steps', async () => {
    const id = randomUUID();
    const writer = new LogWriter({
      executionId: id,
      fence: 1,
      firstSeq: 1,
      masks: MaskSet.from([]),
      store,
      bus,
      clock: realClock,
      onProblem: () => undefined,
    });
    for (let step = 1; step <= 50; step++) {
      const sink = writer.source({ stage: 's', step: `s${step}`, attempt: 1, stream: 'stdout' });
      void sink.write(Buffer.from(`${step}\n`));
      sink.end();
    }
    await writer.close();
    expect(await model.countDocuments({ execution_id: id })).toBe(1);
    const query = { executionId: id, fences: [{ fence: 1, firstSeq: 1 }], afterSeq: 0 };
    expect(await reader.tail(query, 2)).toEqual(['49', '50']);
  });
});

function textOf(number: number, token: string): string {
  return `${`line ${number} of the flood `.padEnd(76, 'x')} ${token}`;
}
