import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { GrowingMemory } from '../../common/values/growing-memory.js';
import { MaskSet } from '../../common/redaction/mask-set.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { encodeHeader } from '../store/log-encoding.js';
import type { LogFence } from '../store/log-fence.js';
import type { LogBatch } from '../store/log-record.js';
import { MemoryLogChunkStore } from '../store/memory-log-chunk-store.js';
import { LogWriter } from '../write/log-writer.js';
import { ManualClock } from '../write/log-writer.fixture.js';
import { BatchJson } from './json-lines.js';
import { linesOf, sliceBatch } from './log-lines.js';
import type { LogQuery } from './log-query.js';
import { LogReader } from './log-reader.js';
import { sendLog, type LogFormat } from './log-response.js';

/**
 * Attempt 1 wrote lines 1 to 300 in chunks of a few lines; attempt 2 begins at 1,001 and has stored
 * half of its 200. Odd lines are of step `a`, even ones of step `b`, which was tried twice.
 */
async function makeLog(): Promise<{ store: MemoryLogChunkStore; bus: MemoryEventBus }> {
  const store = new MemoryLogChunkStore();
  const bus = new MemoryEventBus();
  const base = {
    executionId: 'e',
    masks: MaskSet.from([]),
    store,
    bus,
    onProblem: () => undefined,
  };
  const limits = { chunkBytes: 2_000, flushBytes: 500 };
  const write = (writer: LogWriter, from: number, to: number): void => {
    const a = writer.source({ stage: 's', step: 'a', attempt: 1, stream: 'stdout' });
    const b = [1, 2].map((attempt) =>
      writer.source({ stage: 's', step: 'b', attempt, stream: 'stderr' }),
    );
    const middle = from + 150;
    for (let seq = from; seq <= to; seq++) {
      const sink = seq % 2 === 1 ? a : b[seq < middle ? 0 : 1];
      void sink?.write(Buffer.from(`line ${seq}\n`));
    }
  };
  const clock = new ManualClock();
  const first = new LogWriter({ ...base, fence: 1, firstSeq: 1, clock, limits });
  write(first, 1, 300);
  await first.close();
  const second = new LogWriter({ ...base, fence: 2, firstSeq: 1_001, clock });
  write(second, 1_001, 1_100);
  clock.advance(10_000);
  while ((await store.lastSeq('e', 2)) !== 1_100) await new Promise(setImmediate);
  write(second, 1_101, 1_200);
  clock.advance(100);
  return { store, bus };
}

const fences: LogFence[] = [
  { fence: 1, firstSeq: 1, lastSeq: 300 },
  { fence: 2, firstSeq: 1_001 },
];
const all = [...range(1, 300), ...range(1_001, 1_200)];

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

describe('LogReader', () => {
  let reader: LogReader;
  let stored: LogReader;
  let chunks: MemoryLogChunkStore;

  beforeAll(async () => {
    const { store, bus } = await makeLog();
    chunks = store;
    reader = new LogReader(store, bus);
    stored = new LogReader(store);
  });

  async function seqs(query: Partial<LogQuery>, from = reader): Promise<number[]> {
    const found: number[] = [];
    for await (const line of from.readLines({ executionId: 'e', fences, afterSeq: 0, ...query })) {
      expect(line.text).toBe(`line ${line.seq}`);
      found.push(line.seq);
    }
    return found;
  }

  it('reads on from chunk to chunk, over attempts, to the live lines', async () => {
    expect(chunks.size).toBeGreaterThan(10);
    expect(await seqs({})).toEqual(all);
    expect(await seqs({}, stored)).toEqual(all.filter((seq) => seq <= 1_100));
  });

  it.each([0, 1, 6, 7, 150, 299, 300, 500, 1_000, 1_001, 1_099, 1_100, 1_150, 1_199, 1_200, 5_000])(
    'reads what is behind %i, with any limit',
    async (afterSeq) => {
      const behind = all.filter((seq) => seq > afterSeq);
      expect(await seqs({ afterSeq })).toEqual(behind);
      for (const limit of [0, 1, 13, 301]) {
        expect(await seqs({ afterSeq, limit })).toEqual(behind.slice(0, limit));
      }
    },
  );

  it('filters by stage, step and attempt, and counts the limit on what passes', async () => {
    const even = all.filter((seq) => seq % 2 === 0);
    expect(await seqs({ step: 'b' })).toEqual(even);
    expect(await seqs({ stage: 's', step: 'b', attempt: 2 })).toEqual(
      even.filter((seq) => seq > 150 && seq <= 300),
    );
    expect(await seqs({ step: 'b', afterSeq: 10, limit: 3 })).toEqual([12, 14, 16]);
    expect(await seqs({ stage: 'other' })).toEqual([]);
    expect(await seqs({ step: 'b', attempt: 3 })).toEqual([]);
  });

  it('reads only the fences that are listed, and of them only what is theirs', async () => {
    expect(await seqs({ fences: [] })).toEqual([]);
    expect(await seqs({ fences: [{ fence: 1, firstSeq: 1, lastSeq: 205 }] })).toEqual(
      range(1, 205),
    );
    expect(await seqs({ fences: [{ fence: 1, firstSeq: 1, lastSeq: 0 }] })).toEqual([]);
    expect(await seqs({ fences: [{ fence: 9, firstSeq: 1, lastSeq: 50 }] })).toEqual([]);
  });

  it.each([0, 1, 5, 100, 150, 450, 1_000])('gives the last %i lines', async (count) => {
    const query = { executionId: 'e', fences, afterSeq: 0 };
    const texts = all.map((seq) => `line ${seq}`);
    expect(await reader.tail(query, count)).toEqual(count === 0 ? [] : texts.slice(-count));
    expect(await stored.tail({ ...query, step: 'a' }, 3)).toEqual([
      'line 1095',
      'line 1097',
      'line 1099',
    ]);
  });

  describe('the newest lines of a running log', () => {
    class CountingBus extends MemoryEventBus {
      read = 0;

      override async readLog(...args: Parameters<MemoryEventBus['readLog']>) {
        const entries = await super.readLog(...args);
        this.read += entries.length;
        return entries;
      }

      override async readNewestLog(...args: Parameters<MemoryEventBus['readNewestLog']>) {
        const entries = await super.readNewestLog(...args);
        this.read += entries.length;
        return entries;
      }
    }

    const query = { executionId: 'r', fences: [{ fence: 2, firstSeq: 11 }], afterSeq: 0 };
    let store: MemoryLogChunkStore;
    let bus: CountingBus;

    beforeEach(() => {
      store = new MemoryLogChunkStore();
      bus = new CountingBus();
    });

    const encoded = (from: number, to: number): Buffer => {
      const bytes = Buffer.from(range(from, to).map((seq) => `line ${seq}\n`).join('')); // prettier-ignore
      const source = { stage: 's', step: 'a', attempt: 1, stream: 'stdout' as const };
      const header = { ...source, firstSeq: from, count: to - from + 1, ts: 0 };
      return Buffer.concat([encodeHeader(header, bytes.length), bytes]);
    };
    const publish = (from: number, to: number, fence = 2) =>
      bus.appendLog('r', { fence, firstSeq: from, lastSeq: to, payload: encoded(from, to) }, 0);
    const keep = (from: number, to: number, fence = 2) =>
      store.insert({
        ...{ executionId: 'r', fence, firstSeq: from, lastSeq: to, rawBytes: 1 },
        sources: [{ stage: 's', step: 'a', attempt: 1 }],
        data: gzipSync(encoded(from, to)),
      });
    const tail = (count: number) => new LogReader(store, bus).tail(query, count);
    const lines = (from: number, to: number) => range(from, to).map((seq) => `line ${seq}`);

    it('takes a few entries from the end of the bus, however many there are', async () => {
      for (let seq = 11; seq < 1_011; seq += 10) await publish(seq, seq + 9);
      expect(await tail(9)).toEqual(lines(1_002, 1_010));
      expect(bus.read).toBe(1);
      expect(await tail(20)).toEqual(lines(991, 1_010));
      expect(bus.read).toBe(1 + 1 + 8);
    });

    it('reads on back while these are too few, over the bus and into the store', async () => {
      await keep(11, 200);
      for (let seq = 101; seq < 301; seq += 10) await publish(seq, seq + 9);
      for (const count of [39, 40, 41, 150, 199, 200, 201, 290, 400]) {
        expect(await tail(count)).toEqual(lines(Math.max(11, 301 - count), 300));
      }
    });

    it('passes over what is in the store only, behind the bus or in the middle of it', async () => {
      await publish(11, 20);
      await keep(11, 500);
      expect(await tail(30)).toEqual(lines(471, 500));
      await publish(501, 510);
      expect(await tail(30)).toEqual(lines(481, 510));
      expect(await tail(900)).toEqual(lines(11, 510));
    });

    it('counts what is stored while it looks', async () => {
      class LateStore extends MemoryLogChunkStore {
        override async lastSeq(id: string, fence: number) {
          await keepLate();
          return super.lastSeq(id, fence);
        }
      }
      store = new LateStore();
      let keepLate = () => keep(11, 500);
      await publish(11, 20);
      expect(await tail(3)).toEqual(lines(498, 500));
      keepLate = async () => {
        await publish(501, 510);
        await keep(501, 520);
      };
      expect(await tail(3)).toEqual(lines(518, 520));
    });

    it('shows nothing behind lines that are lost, but what is enough from its end on', async () => {
      await keep(11, 30);
      await publish(31, 40);
      await publish(61, 90);
      expect(await tail(35)).toEqual(lines(11, 40));
      expect(await tail(20)).toEqual(lines(71, 90));
    });

    it('takes nothing of another attempt', async () => {
      await publish(1, 10, 1);
      expect(await tail(5)).toEqual([]);
      await publish(11, 12);
      expect(await tail(5)).toEqual(['line 11', 'line 12']);
      await publish(1_000, 1_001, 3);
      expect(await tail(5)).toEqual(['line 11', 'line 12']);
    });

    it('finds all batches that were seen, also where the bus alone has them', async () => {
      await keep(11, 20);
      for (let seq = 21; seq < 121; seq += 10) await publish(seq, seq + 9);
      const found = await new LogReader(store, bus).newestBatches(query, 500);
      expect(found.map(({ firstSeq }) => firstSeq)).toEqual(
        [111, 101, 91, 81, 71, 61, 51, 41, 31, 21, 11], // prettier-ignore
      );
      expect(await new LogReader(store, bus).newestBatches(query, 3)).toHaveLength(3);
    });
  });

  it.each(['stored', 'live'] as const)(
    'looks a little way back only for the tail of a line without an end, %s',
    async (where) => {
      const read = { chunks: 0 };
      class CountingStore extends MemoryLogChunkStore {
        override async preceding(...args: Parameters<MemoryLogChunkStore['preceding']>) {
          const found = await super.preceding(...args);
          read.chunks += found.length;
          return found;
        }
      }
      const store = new CountingStore();
      const bus = new MemoryEventBus();
      const clock = new ManualClock();
      const base = { executionId: 'flood', fence: 1, firstSeq: 1, masks: MaskSet.from([]) };
      const writer = new LogWriter({
        ...base,
        store,
        bus,
        clock,
        onProblem: () => undefined,
        // Live: nothing is stored, and all of it is on the bus.
        limits:
          where === 'live'
            ? { chunkBytes: Infinity, unstoredBytes: Infinity, liveBytes: Infinity }
            : {},
      });
      const sink = writer.source({ stage: 's', step: 'a', attempt: 1, stream: 'stdout' });
      for (let piece = 0; piece < 256; piece++) {
        const room = sink.write(Buffer.alloc(32 * 1024, 0x61 + (piece % 26)));
        if (room !== true) await room;
      }
      clock.advance(1_000);
      while (where === 'stored' && ((await store.lastSeq('flood', 1)) ?? 0) < 100) {
        await new Promise(setImmediate);
      }
      const flood = new LogReader(store, bus);
      const query = { executionId: 'flood', fences: [{ fence: 1, firstSeq: 1 }], afterSeq: 0 };
      const tail = await flood.tail(query, 20);
      expect(tail).toHaveLength(1);
      expect(tail[0]?.length).toBeGreaterThan(64 * 1024);
      expect(tail[0]?.length).toBeLessThan(400 * 1024);
      expect(tail[0]?.at(-1)).toBe(String.fromCharCode(0x61 + (255 % 26)));
      expect(read.chunks).toBeLessThanOrEqual(1);
    },
  );

  it('ends with what is stored when the bus is away', async () => {
    class DeadBus extends MemoryEventBus {
      override readLog(): Promise<never> {
        return Promise.reject(new Error('bus away'));
      }
    }
    expect(await seqs({}, new LogReader(chunks, new DeadBus()))).toHaveLength(400);
  });

  it.each<[LogFormat, string, string]>([
    ['plain', 'text/plain; charset=utf-8', 'line 299\nline 300\nline 1001\n'],
    [
      'json-lines',
      'application/x-ndjson; charset=utf-8',
      [299, 300, 1_001]
        .map(
          (seq) =>
            `{"seq":${seq},"ts":"TIME","stream":"${seq % 2 ? 'stdout' : 'stderr'}",` +
            `"stage":"s","step":"${seq % 2 ? 'a' : 'b'}","attempt":${seq === 300 ? 2 : 1},"text":"line ${seq}"}\n`,
        )
        .join(''),
    ],
  ])('sends it over HTTP as %s', async (format, contentType, expected) => {
    const query = { executionId: 'e', fences, afterSeq: 298, limit: 3 };
    const answer = await answerOf((response) => sendLog(reader, query, format, response));
    expect(answer.type).toBe(contentType);
    expect(answer.body.replaceAll(/"ts":"[^"]+"/g, '"ts":"TIME"')).toBe(expected);
  });

  it('sends nothing when the store is away, so that an error can be answered', async () => {
    class DeadStore extends MemoryLogChunkStore {
      override find(): Promise<never> {
        return Promise.reject(new Error('store away'));
      }
    }
    const query = { executionId: 'e', fences, afterSeq: 0 };
    const answer = await answerOf(async (response) => {
      await expect(
        sendLog(new LogReader(new DeadStore()), query, 'plain', response),
      ).rejects.toThrow('store away');
      expect(response.headersSent).toBe(false);
      response.writeHead(503).end('away');
    });
    expect(answer.body).toBe('away');
  });
});

function jsonOf(batch: LogBatch): string[] {
  const lines = new BatchJson(batch);
  const made: string[] = [];
  while (lines.hasNext) {
    const memory = new GrowingMemory(Buffer.alloc(1));
    lines.writeTo(memory);
    made.push(memory.bytes.toString('utf8', 0, memory.length));
  }
  return made;
}

describe('lines of a batch', () => {
  const batch: LogBatch = {
    firstSeq: 5,
    count: 4,
    ts: 1_700_000_000_123,
    stream: 'stdout',
    stage: 'st"age',
    step: 'unit (20)',
    attempt: 2,
    bytes: Buffer.from('a\n\n"\\\u001b[1m\u2028ü\r\nend\n'),
    continues: true,
  };

  it('are the same as objects and as JSON', () => {
    expect(jsonOf(batch)).toEqual(linesOf(batch).map((line) => JSON.stringify(line)));
    expect(linesOf(batch).map(({ text }) => text)).toEqual([
      'a',
      '',
      '"\\\u001b[1m\u2028ü\r',
      'end',
    ]);
  });

  it('are the same as JSON, whatever their bytes and numbers are', () => {
    const usual = { weight: 20, arbitrary: fc.constant(0x61) };
    const byte = fc.oneof(usual, { weight: 1, arbitrary: fc.nat(0xff) });
    const bytes = fc.array(byte, { maxLength: 60 }).map((some) => Buffer.from(some));
    fc.assert(
      fc.property(bytes, fc.maxSafeNat(), fc.boolean(), (some, number, continues) => {
        const text = Buffer.concat([some, Buffer.from('\n')]);
        const count = text.filter((byte) => byte === 0x0a).length;
        const firstSeq = Math.min(number, Number.MAX_SAFE_INTEGER - count);
        const any = { ...batch, bytes: text, count, firstSeq, continues };
        expect(jsonOf(any)).toEqual(linesOf(any).map((line) => JSON.stringify(line)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('can be sliced anywhere', () => {
    for (let after = 0; after <= 10; after++) {
      for (let last = 0; last <= 10; last++) {
        const sliced = sliceBatch(batch, after, last);
        const expected = linesOf(batch).filter(({ seq }) => seq > after && seq <= last);
        expect(sliced === undefined ? [] : linesOf(sliced)).toEqual(expected);
      }
    }
  });
});

async function answerOf(
  respond: (response: ServerResponse) => Promise<void>,
): Promise<{ type: string | undefined; body: string }> {
  let failure: unknown;
  const server = createServer((_request, response) => {
    respond(response).catch((error: unknown) => {
      failure = error;
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const answer = await new Promise<{ type: string | undefined; body: string }>(
    (resolve, reject) => {
      get({ port, host: '127.0.0.1', agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => (body += text));
        response.on('error', reject);
        response.on('end', () => resolve({ type: response.headers['content-type'], body }));
      }).on('error', reject);
    },
  );
  server.close();
  if (failure !== undefined) throw failure as Error;
  return answer;
}
