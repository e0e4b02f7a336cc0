import type { Server } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually.js';
import { MaskSet } from '../../common/redaction/mask-set.js';
import type { LiveLogEntry } from '../../integrations/event-bus/event-bus.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { LogReader } from '../read/log-reader.js';
import type { LogChunk } from '../store/log-chunk-store.js';
import type { LogFence } from '../store/log-fence.js';
import { MemoryLogChunkStore } from '../store/memory-log-chunk-store.js';
import type { LogLimits } from '../write/log-limits.js';
import { LogWriter } from '../write/log-writer.js';
import { realClock } from '../write/log-writer.fixture.js';
import { ExecutionFeed, parseLastEventId } from './execution-feed.js';
import { FeedReader, serveFeed } from './execution-feed.fixture.js';
import type { ExecutionView } from './execution-view.js';

class TestBus extends MemoryEventBus {
  away = false;
  /** Hints that the store has more are lost. */
  losesHints = false;
  /** Bytes of lines that were sent. */
  sent = 0;

  override async publish(topic: string, message: string) {
    if (this.losesHints && message.startsWith('stored:')) return;
    await super.publish(topic, message);
  }

  override async appendLog(id: string, entry: LiveLogEntry, keepFrom: number) {
    if (this.away) throw new Error('bus away');
    this.sent += entry.payload.length;
    return super.appendLog(id, entry, keepFrom);
  }

  override async readLog(id: string, after: number, limit: number) {
    if (this.away) throw new Error('bus away');
    return super.readLog(id, after, limit);
  }
}

class TestStore extends MemoryLogChunkStore {
  away = false;
  finds = 0;
  private readonly inserts: string[] = [];

  chunksOf(id: string): number {
    return this.inserts.filter((one) => one === id).length;
  }

  override async insert(chunk: LogChunk) {
    if (this.away) throw new Error('store away');
    this.inserts.push(chunk.executionId);
    await super.insert(chunk);
  }

  override async find(id: string, fence: number, seq: number) {
    this.finds++;
    if (this.away) throw new Error('store away');
    return super.find(id, fence, seq);
  }
}

const source = { stage: 's', step: 'a', attempt: 1, stream: 'stdout' as const };

describe('ExecutionFeed', () => {
  const bus = new TestBus();
  const store = new TestStore();
  const views = new Map<string, ExecutionView>();
  const feed = new ExecutionFeed({
    reader: new LogReader(store, bus),
    bus,
    loadView: async (id) => views.get(id),
    onProblem: () => undefined,
    stallMs: 300,
  });
  let url = '';
  let server: Server;
  let id = '';
  let count = 0;

  beforeAll(async () => {
    ({ url, server } = await serveFeed(feed));
  });
  afterAll(() => {
    feed.close();
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    id = `e${++count}`;
    bus.away = false;
    bus.losesHints = false;
    bus.sent = 0;
    store.away = false;
    show('running', [{ fence: 1, firstSeq: 1 }]);
  });

  function show(status: string, fences: LogFence[], finished = false): void {
    views.set(id, { status: { status }, fences, finished });
  }

  function writerOf(limits: Partial<LogLimits> = {}, fence = 1, firstSeq = 1): LogWriter {
    return new LogWriter({
      executionId: id,
      fence,
      firstSeq,
      masks: MaskSet.from([]),
      store,
      bus,
      clock: realClock,
      limits,
      onProblem: () => undefined,
    });
  }

  async function write(writer: LogWriter, from: number, to: number): Promise<void> {
    const sink = writer.source(source);
    for (let index = from; index <= to; index++) {
      const room = sink.write(Buffer.from(`line ${index}\n`));
      if (room !== true) await room;
    }
  }

  async function finish(writer: LogWriter): Promise<void> {
    const { lastSeq } = await writer.close();
    show('success', [{ fence: 1, firstSeq: 1, lastSeq }], true);
    await bus.endLive(id, 60_000);
  }

  const expectLines = (reader: FeedReader, from: number, to: number) =>
    expect(reader.lines().map(({ seq, text }) => [seq, text])).toEqual(
      Array.from({ length: to - from + 1 }, (_, index) => [from + index, `line ${from + index}`]),
    );

  it('tells the status at connect, lines as they come, and the end behind the last line', async () => {
    const reader = new FeedReader(`${url}/${id}`);
    await reader.until(() => reader.events.length === 1);
    expect(reader.events).toEqual([{ event: 'status', data: { status: 'running', last_seq: 0 } }]);
    const writer = writerOf();
    await write(writer, 1, 1);
    await reader.until(() => reader.lines().length === 1);
    await write(writer, 2, 1_234);
    await finish(writer);
    await reader.until(() => reader.ended);
    expectLines(reader, 1, 1_234);
    for (const { event, data, id: eventId } of reader.events) {
      const lines = data['lines'] as { seq: number }[] | undefined;
      expect(eventId).toBe(event === 'log' ? lines?.at(-1)?.seq : undefined);
      expect(lines?.length ?? 0).toBeLessThanOrEqual(500);
    }
    expect(reader.events.slice(-1)).toEqual([
      { event: 'done', data: { status: 'success', last_seq: 1_234 } },
    ]);
  });

  it('resumes behind any number, during the run and after it', async () => {
    const writer = writerOf({ chunkBytes: 1_000, liveBytes: 2_000 });
    await write(writer, 1, 700);
    const readers = [0, 1, 499, 650].map((after) => new FeedReader(`${url}/${id}`, after));
    await Promise.all(readers.map((one) => one.until(() => one.lastId() !== undefined)));
    await write(writer, 701, 1_000);
    await finish(writer);
    readers.push(...[0, 999].map((after) => new FeedReader(`${url}/${id}`, after)));
    await Promise.all(readers.map((one) => one.until(() => one.ended)));
    for (const [index, after] of [0, 1, 499, 650, 0, 999].entries()) {
      expectLines(readers[index] as FeedReader, after + 1, 1_000);
    }
    const late = new FeedReader(`${url}/${id}`, 1_000);
    await late.until(() => late.ended);
    expect(late.events.map(({ event }) => event)).toEqual(['status', 'done']);
  });

  it('goes over to a new attempt, and shows nothing that a lost one stored too late', async () => {
    const lost = writerOf();
    await write(lost, 1, 10);
    const reader = new FeedReader(`${url}/${id}`);
    await reader.until(() => reader.lastId() === 10);
    await write(lost, 11, 12);
    await reader.until(() => reader.lastId() === 12);
    show('running', [
      { fence: 1, firstSeq: 1, lastSeq: 10 },
      { fence: 2, firstSeq: 1_001 },
    ]);
    await lost.close();
    const next = writerOf({}, 2, 1_001);
    await write(next, 1_001, 1_005);
    await reader.until(() => reader.lastId() === 1_005);
    await next.close();
    show('failed', [
      { fence: 1, firstSeq: 1, lastSeq: 10 },
      { fence: 2, firstSeq: 1_001, lastSeq: 1_005 },
    ], true); // prettier-ignore
    await bus.endLive(id, 60_000);
    await reader.until(() => reader.ended);
    expect(reader.lines().map(({ seq }) => seq)).toEqual([
      ...Array.from({ length: 12 }, (_, index) => index + 1),
      ...Array.from({ length: 5 }, (_, index) => 1_001 + index),
    ]);
    const again = new FeedReader(`${url}/${id}`);
    await again.until(() => again.ended);
    expect(again.lines().map(({ seq }) => seq)).toEqual([
      ...Array.from({ length: 10 }, (_, index) => index + 1),
      ...Array.from({ length: 5 }, (_, index) => 1_001 + index),
    ]);
  });

  it('falls back to the store while the bus is away, and the other way round', async () => {
    const writer = writerOf({ chunkMs: 50 });
    await write(writer, 1, 5);
    const reader = new FeedReader(`${url}/${id}`);
    await reader.until(() => reader.lastId() === 5);
    bus.away = true;
    await write(writer, 6, 9);
    await reader.until(() => reader.lastId() === 9);
    bus.away = false;
    store.away = true;
    await write(writer, 10, 12);
    await reader.until(() => reader.lastId() === 12);
    store.away = false;
    await finish(writer);
    await reader.until(() => reader.ended);
    expectLines(reader, 1, 12);
  });

  describe('of a flood, which is stored and not sent', () => {
    // Every flush fills a chunk.
    const limits = { flushBytes: 1_000, chunkBytes: 1_000, heldMs: 60_000 };

    async function flood(writer: LogWriter, from: number, to: number): Promise<void> {
      for (let line = from; line <= to; line += 100) {
        await write(writer, line, line + 99);
        await turn();
      }
    }

    it('brings each line once and in order, by hints alone, to all clients', async () => {
      // No poll comes.
      const polls = jest.spyOn(globalThis, 'setInterval').mockReturnValue(setTimeout(() => 0));
      const writer = writerOf(limits);
      const readers = [1, 2, 3].map(() => new FeedReader(`${url}/${id}`));
      await Promise.all(readers.map((one) => one.until(() => one.events.length > 0)));
      polls.mockRestore();
      const before = store.finds;
      await flood(writer, 1, 2_000);
      await Promise.all(readers.map((one) => one.until(() => (one.lastId() ?? 0) > 1_800)));
      await finish(writer);
      await Promise.all(readers.map((one) => one.until(() => one.ended)));
      for (const reader of readers) expectLines(reader, 1, 2_000);
      expect(bus.sent).toBeLessThan(2_000);
      // Three clients at one place are one look: else each of them would read each chunk.
      expect(store.finds - before).toBeLessThan(store.chunksOf(id) * 2);
    });

    it('finds by its poll what it was not told of', async () => {
      bus.losesHints = true;
      const writer = writerOf(limits);
      const reader = new FeedReader(`${url}/${id}`);
      await reader.until(() => reader.events.length > 0);
      await flood(writer, 1, 500);
      await reader.until(() => (reader.lastId() ?? 0) > 400);
      await finish(writer);
      await reader.until(() => reader.ended);
      expectLines(reader, 1, 500);
    });

    it('brings it by the bus while the store is away, and then by the store again', async () => {
      const writer = writerOf({ ...limits, heldMs: 30 });
      const reader = new FeedReader(`${url}/${id}`);
      await reader.until(() => reader.events.length > 0);
      store.away = true;
      await write(writer, 1, 300);
      await reader.until(() => (reader.lastId() ?? 0) > 200);
      store.away = false;
      await flood(writer, 301, 900);
      await finish(writer);
      await reader.until(() => reader.ended);
      expectLines(reader, 1, 900);
    });

    it('continues live behind it, and a client that comes late gets both', async () => {
      const writer = writerOf({ ...limits, heldMs: 200 });
      const reader = new FeedReader(`${url}/${id}`);
      await write(writer, 1, 3);
      await reader.until(() => reader.lastId() === 3);
      await flood(writer, 4, 603);
      await writer.source(source).write(Buffer.from('line 604\n'));
      await reader.until(() => reader.lastId() === 604);
      const late = new FeedReader(`${url}/${id}`);
      await late.until(() => late.lastId() === 604);
      await finish(writer);
      await Promise.all([reader, late].map((one) => one.until(() => one.ended)));
      expectLines(reader, 1, 604);
      expectLines(late, 1, 604);
    });
  });

  it('does not ask the store for every new line of a followed log', async () => {
    const writer = writerOf();
    const readers = [1, 2, 3].map(() => new FeedReader(`${url}/${id}`));
    await Promise.all(readers.map((one) => one.until(() => one.events.length > 0)));
    const before = store.finds;
    for (let index = 1; index <= 20; index++) {
      await write(writer, index, index);
      await Promise.all(readers.map((one) => one.until(() => one.lastId() === index)));
    }
    // Three clients look once at the start and once a second; 20 lines would be 60 looks.
    expect(store.finds - before).toBeLessThan(20);
    await finish(writer);
    await Promise.all(readers.map((one) => one.until(() => one.ended)));
  });

  it('disconnects a client that stops reading, and serves the others', async () => {
    const writer = writerOf();
    const stalled = new FeedReader(`${url}/${id}`, undefined, (_event, one) => {
      if (one.events.length === 1) one.pause();
    });
    const reader = new FeedReader(`${url}/${id}`);
    await stalled.until(() => stalled.events.length === 1);
    const sink = writer.source(source);
    for (let index = 0; index < 400; index++) {
      const room = sink.write(Buffer.from(`${'x'.repeat(60_000)}\n`));
      if (room !== true) await room;
    }
    await finish(writer);
    await reader.until(() => reader.ended);
    expect(reader.lines()).toHaveLength(400);
    await noConnections(server);
    stalled.resume();
    await stalled.until(() => stalled.ended);
    expect(stalled.lines().length).toBeLessThan(400);
    const last = stalled.lastId() ?? 0;
    const resumed = new FeedReader(`${url}/${id}`, last);
    await resumed.until(() => resumed.ended);
    expect(resumed.lines()[0]?.seq).toBe(last + 1);
    expect(resumed.lines()).toHaveLength(400 - last);
  });

  it('cannot be made to forge an event by what a step prints', async () => {
    const writer = writerOf();
    const text = 'x\r\rid: 9\revent: done\rdata: {}\r\r\u2028\u0000';
    void writer.source(source).write(Buffer.from(`${text}\n`));
    await finish(writer);
    const reader = new FeedReader(`${url}/${id}`);
    await reader.until(() => reader.ended);
    expect(reader.events.map(({ event }) => event)).toEqual(['status', 'log', 'done']);
    expect(reader.lines()[0]?.text).toBe(text);
  });

  it('keeps the escape sequences of terminals as data', async () => {
    const writer = writerOf();
    const text = '\u001b[31mred\u001b[0m \u001b]0;title\u0007 \u009b2J \u0085';
    void writer.source(source).write(Buffer.from(`${text}\n`));
    await finish(writer);
    const raw = await (await fetch(`${url}/${id}`)).text();
    // Nothing that a terminal acts on, and no line end but our own.
    expect(raw).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(raw.split('\n').every((line) => /^(|(event|data|id|retry): .*)$/.test(line))).toBe(true);
    const reader = new FeedReader(`${url}/${id}`);
    await reader.until(() => reader.ended);
    expect(reader.lines()[0]?.text).toBe(text);
  });

  it('puts no more into one event than may wait in memory for a client', async () => {
    const writer = writerOf();
    await writer.source(source).write(Buffer.from(`${'x'.repeat(50_000)}\n`.repeat(20)));
    await finish(writer);
    const raw = await (await fetch(`${url}/${id}`)).text();
    const sizes = raw.split('\n\n').map((event) => event.length);
    expect(Math.max(...sizes)).toBeLessThan(140_000);
    expect(raw.match(/"seq":/g)).toHaveLength(20);
  });

  it('has places for so many clients, and so many of one caller, and takes them back', async () => {
    const limited = new ExecutionFeed({
      reader: new LogReader(store, bus),
      bus,
      loadView: async (wanted) => views.get(wanted),
      onProblem: () => undefined,
      limits: { clients: 3, clientsOfOne: 2 },
    });
    const there = await serveFeed(limited);
    const leave: (() => void)[] = [];
    const ask = async (caller: string, execution = id): Promise<number> => {
      const abort = new AbortController();
      const headers = { 'x-caller': caller };
      const answer = await fetch(`${there.url}/${execution}`, { headers, signal: abort.signal });
      if (answer.status === 200) leave.push(() => abort.abort());
      return answer.status;
    };
    expect([await ask('a'), await ask('a'), await ask('a')]).toEqual([200, 200, 429]);
    expect(await ask('b', 'unknown')).toBe(404);
    expect([await ask('b'), await ask('b'), await ask('a')]).toEqual([200, 503, 429]);
    leave.shift()?.();
    await eventually(async () => (await ask('a')) === 200 || undefined);
    expect([await ask('b'), await ask('a')]).toEqual([503, 429]);
    limited.close();
    there.server.closeAllConnections();
    there.server.close();
  });

  describe('loads of the view', () => {
    let loads: string[] = [];
    const counted = new ExecutionFeed({
      reader: new LogReader(store, bus),
      bus,
      loadView: async (wanted) => {
        loads.push('store');
        return known(wanted);
      },
      onProblem: () => undefined,
    });
    let there: Awaited<ReturnType<typeof serveFeed>>;
    beforeAll(async () => {
      there = await serveFeed(counted);
    });
    afterAll(() => {
      counted.close();
      there.server.closeAllConnections();
      there.server.close();
    });
    beforeEach(() => (loads = []));
    const known = (wanted: string, view = views.get(wanted)): ExecutionView | undefined =>
      view && { ...view, after: async (hint) => told(wanted, hint) };
    const told = (wanted: string, hint: string): ExecutionView | undefined => {
      loads.push(hint);
      return hint === 'resync' ? undefined : known(wanted);
    };

    it('are one for all clients, and none for what a hint tells', async () => {
      const polls = jest.spyOn(globalThis, 'setInterval').mockReturnValue(setTimeout(() => 0));
      const readers = [1, 2, 3].map(() => new FeedReader(`${there.url}/${id}`));
      await Promise.all(readers.map((one) => one.until(() => one.events.length === 1)));
      polls.mockRestore();
      show('still running', [{ fence: 1, firstSeq: 1 }]);
      await bus.publish(`live.${id}`, 'state');
      await Promise.all(readers.map((one) => one.until(() => one.events.length === 2)));
      show('success', [{ fence: 1, firstSeq: 1, lastSeq: 0 }], true);
      await bus.endLive(id, 60_000, 'how');
      await Promise.all(readers.map((one) => one.until(() => one.ended)));
      expect(readers[2]?.events.map(({ data }) => data['status'])).toEqual([
        ...['running', 'still running', 'success', 'success'],
      ]);
      expect(loads).toEqual(['store', 'state', 'end:how']);
    });

    it('begin when the subscription stands, so that nothing falls between the two', async () => {
      const subscribe = jest.spyOn(bus, 'subscribe').mockImplementation((_topic, listener) => {
        // The execution ends just before the subscription stands: nobody will tell of it.
        setTimeout(() => {
          show('success', [{ fence: 1, firstSeq: 1, lastSeq: 0 }], true);
          listener('resync');
        }, 5);
        return () => undefined;
      });
      const reader = new FeedReader(`${there.url}/${id}`);
      await reader.until(() => reader.ended);
      subscribe.mockRestore();
      expect(reader.events.map(({ data }) => data['status'])).toEqual(['success', 'success']);
      expect(loads).toEqual(['store']);
    });

    it('miss nothing that was told while the first was on its way', async () => {
      const subscribe = jest.spyOn(bus, 'subscribe').mockImplementation((_topic, listener) => {
        setImmediate(() => {
          listener('resync');
          setImmediate(() => {
            show('success', [{ fence: 1, firstSeq: 1, lastSeq: 0 }], true);
            listener('end:how');
          });
        });
        return () => undefined;
      });
      const before = views.get(id);
      const slow = new ExecutionFeed({
        reader: new LogReader(store, bus),
        bus,
        loadView: async (wanted) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          return known(wanted, before);
        },
        onProblem: () => undefined,
      });
      const other = await serveFeed(slow);
      const reader = new FeedReader(`${other.url}/${id}`);
      await reader.until(() => reader.ended);
      subscribe.mockRestore();
      slow.close();
      other.server.close();
      expect(loads).toEqual(['end:how']);
    });

    it('are made again soon where the first one was unsure', async () => {
      const unsure = jest.spyOn(views, 'get').mockImplementationOnce(() => ({
        ...{ status: { status: 'pending' }, fences: [], finished: false, isUnsure: true },
      }));
      show('cancelled', [], true);
      const polls = jest.spyOn(globalThis, 'setInterval').mockReturnValue(setTimeout(() => 0));
      const reader = new FeedReader(`${there.url}/${id}`);
      await reader.until(() => reader.ended);
      polls.mockRestore();
      unsure.mockRestore();
      const told = reader.events.map(({ event, data }) => [event, data['status']]);
      expect(told).toEqual([['status', 'pending'], ['status', 'cancelled'], ['done', 'cancelled']]); // prettier-ignore
    });

    it('begin soon without a bus, and their failure is the answer', async () => {
      const subscribe = jest.spyOn(bus, 'subscribe').mockReturnValue(() => undefined);
      const reader = new FeedReader(`${there.url}/${id}`);
      await reader.until(() => reader.events.length === 1);
      reader.leave();
      const broken = new ExecutionFeed({
        reader: new LogReader(store, bus),
        bus,
        loadView: async () => {
          throw new Error('store away');
        },
        onProblem: () => undefined,
      });
      const other = await serveFeed(broken);
      const statuses = await Promise.all(
        [1, 2].map(async () => (await fetch(`${other.url}/${id}`)).status),
      );
      expect(statuses).toEqual([503, 503]);
      subscribe.mockRestore();
      broken.close();
      other.server.closeAllConnections();
      other.server.close();
    });
  });

  it('answers for an unknown execution without sending anything', async () => {
    const reader = new FeedReader(`${url}/unknown`);
    await reader.until(() => reader.ended);
    expect(reader.status).toBe(404);
  });

  it.each([
    [undefined, 0],
    ['', 0],
    ['17', 17],
    ['-1', 0],
    ['1e9', 0],
    ['99999999999999999999', 0],
  ])('reads Last-Event-ID %p as %p', (value, expected) => {
    expect(parseLastEventId(value)).toBe(expected);
  });
});

/** Resolves when the server has no connection left; fails the test after 5 s. */
async function noConnections(server: Server): Promise<void> {
  const deadline = Date.now() + 5_000;
  const count = () =>
    new Promise<number>((resolve, reject) => {
      server.getConnections((error, open) => (error ? reject(error) : resolve(open)));
    });
  while ((await count()) > 0) {
    if (Date.now() > deadline) throw new Error('There are still connections after 5 s.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
