import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { MaskSet } from '../../common/redaction/mask-set.js';
import { liveTopic } from '../../integrations/event-bus/event-bus.js';
import { MemoryEventBus } from '../../integrations/event-bus/memory-event-bus.js';
import { LogReader } from '../read/log-reader.js';
import type { LogChunk } from '../store/log-chunk-store.js';
import { decodeBatches } from '../store/log-encoding.js';
import type { LogLine } from '../store/log-record.js';
import { MemoryLogChunkStore } from '../store/memory-log-chunk-store.js';
import { defaultLogLimits } from './log-limits.js';
import { pipeToSink } from './log-sink.js';
import { executionAddress, LogWriter, LOST_MARKER, type LogWriterOptions } from './log-writer.js';
import { ManualClock, realClock } from './log-writer.fixture.js';

const out = { stage: 'build', step: 'compile', attempt: 1, stream: 'stdout' as const };
const err = { ...out, stream: 'stderr' as const };

/** A store that is away while `away` is set. */
class FlakyStore extends MemoryLogChunkStore {
  away = false;
  calls = 0;
  /** Takes that many chunks and says each time that it did not. */
  lies = 0;

  override async insert(chunk: LogChunk): Promise<void> {
    this.calls++;
    if (this.away) throw new Error('store away');
    await super.insert(chunk);
    if (this.lies-- > 0) throw new Error('connection lost');
  }
}

function setUp(options: Partial<LogWriterOptions> = {}) {
  const store = new FlakyStore();
  const bus = new MemoryEventBus();
  const problems: unknown[] = [];
  const base = { executionId: 'e', fence: 1, firstSeq: 1, masks: MaskSet.from([]), store, bus };
  const onProblem = (problem: unknown) => problems.push(problem);
  const writer = new LogWriter({ ...base, clock: realClock, onProblem, ...options });
  const fence = { fence: 1, firstSeq: options.firstSeq ?? 1 };
  const read = async (after = 0): Promise<LogLine[]> => {
    const lines: LogLine[] = [];
    const reader = new LogReader(store);
    const query = { executionId: 'e', fences: [fence], afterSeq: after };
    for await (const line of reader.readLines(query)) lines.push(line);
    return lines;
  };
  const live = async () =>
    (await bus.readLog('e', 0, 1_000)).flatMap((entry) => decodeBatches(entry.payload));
  return { writer, store, bus, problems, read, live };
}

const texts = (lines: readonly LogLine[]) => lines.map(({ text }) => text);
const seqs = (lines: readonly LogLine[]) => lines.map(({ seq }) => seq);

describe('LogWriter', () => {
  it('numbers lines of all sources in their order, from the first number', async () => {
    const { writer, read } = setUp({ firstSeq: 41 });
    const [stdout, stderr] = [writer.source(out), writer.source(err)];
    void stdout.write(Buffer.from('one\ntwo\n'));
    void stderr.write(Buffer.from('oops\n'));
    writer.systemLine(out, 'retrying\nin 5 s');
    void stdout.write(Buffer.from('three'));
    expect(await writer.close()).toEqual({ lastSeq: 46 });
    const lines = await read();
    expect(seqs(lines)).toEqual([41, 42, 43, 44, 45, 46]);
    expect(lines.map(({ stream, text }) => [stream, text])).toEqual([
      ['stdout', 'one'],
      ['stdout', 'two'],
      ['stderr', 'oops'],
      ['system', 'retrying'],
      ['system', 'in 5 s'],
      ['stdout', 'three'],
    ]);
    expect(lines[0]).toMatchObject({ stage: 'build', step: 'compile', attempt: 1 });
    expect(lines[0]?.ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('keeps ANSI, CR and empty lines, and shows what is no UTF-8 as U+FFFD', async () => {
    const { writer, read } = setUp();
    const sink = writer.source(out);
    void sink.write(Buffer.from('\u001b[31mred\u001b[0m\r\n10%\r20%\r\n\n'));
    void sink.write(Buffer.from([0x61, 0xff, 0xc3, 0x0a]));
    await writer.close();
    expect(texts(await read())).toEqual([
      '\u001b[31mred\u001b[0m\r',
      '10%\r20%\r',
      '',
      'a\ufffd\ufffd',
    ]);
  });

  it('masks every stream at any cut, and its own words', async () => {
    const { writer, read, live } = setUp({ masks: MaskSet.from(['hunter2hunter2']) });
    const [stdout, stderr] = [writer.source(out), writer.source(err)];
    void stdout.write(Buffer.from('a hunter2h'));
    void stderr.write(Buffer.from('b hunter2hunter2\n'));
    void stdout.write(Buffer.from('unter2 c'));
    writer.systemLine(out, 'cloning https://x:hunter2hunter2@host');
    stdout.end();
    await writer.close();
    expect(texts(await read())).toEqual(['b ***', 'cloning https://x:***@host', 'a *** c']);
    const bytes = Buffer.concat((await live()).map((batch) => batch.bytes));
    expect(bytes.toString()).not.toContain('hunter2');
    expect(writer.lastLines(out, 2)).toEqual(['b ***', 'a *** c']);
  });

  it('masks what comes after the masks grew, in streams that are open, and hides it in its tails', async () => {
    const masks = MaskSet.from(['other-secret']);
    const { writer, read } = setUp({ masks });
    const stdout = writer.source(out);
    void stdout.write(Buffer.from('sent hunter2hunter2\nheld other-'));
    masks.add(['hunter2hunter2']);
    void stdout.write(Buffer.from('secret hunter2h'));
    void stdout.write(Buffer.from('unter2\n'));
    writer.systemLine(out, 'x hunter2hunter2');
    stdout.end();
    await writer.close();
    expect(texts(await read())).toEqual(['sent hunter2hunter2', 'held *** ***', 'x ***']);
    expect(writer.lastLines(out, 3)).toEqual(['sent ***', 'held *** ***']);
    expect(writer.tail(3)).toEqual(['sent ***', 'held *** ***', 'x ***']);
  });

  it('stores a run of many short steps in one chunk', async () => {
    const { writer, store, read } = setUp();
    for (let step = 1; step <= 50; step++) {
      const sink = writer.source({ ...out, step: `s${step}` });
      void sink.write(Buffer.from(`line of ${step}\n`));
      sink.end();
      await turn();
    }
    await writer.close();
    expect(store.calls).toBe(1);
    expect((await read()).map(({ step }) => step)).toEqual(
      Array.from({ length: 50 }, (_, index) => `s${index + 1}`),
    );
  });

  it('stores nothing for a log without a line', async () => {
    const { writer, store } = setUp();
    writer.source(out).end();
    expect(await writer.close()).toEqual({ lastSeq: 0 });
    expect(store.calls).toBe(0);
  });

  it('shows a first line at once, then gathers for 25 ms', async () => {
    const clock = new ManualClock();
    const { writer, live } = setUp({ clock });
    const sink = writer.source(out);
    void sink.write(Buffer.from('first\n'));
    void sink.write(Buffer.from('same moment\n'));
    expect(await live()).toHaveLength(0);
    clock.advance(0);
    expect((await live()).map(({ count }) => count)).toEqual([2]);
    void sink.write(Buffer.from('soon after\n'));
    clock.advance(24);
    expect(await live()).toHaveLength(1);
    clock.advance(1);
    expect(await live()).toHaveLength(2);
    clock.advance(1_000);
    void sink.write(Buffer.from('after a pause\n'));
    clock.advance(0);
    expect((await live()).map(({ firstSeq }) => firstSeq)).toEqual([1, 3, 4]);
  });

  it('sends what has come at once without any timer, in entries of a bounded size', async () => {
    const limits = { heldMs: 0 };
    const { writer, live, bus } = setUp({ clock: new ManualClock(), limits });
    const sink = writer.source(out);
    for (let index = 0; index < 1_200; index++) void sink.write(Buffer.from(`${index}\n`));
    expect(await live()).toEqual([]);
    for (let index = 0; index < 7; index++) void sink.write(Buffer.from(`${'x'.repeat(40_000)}\n`));
    const batches = await live();
    expect(batches.map(({ firstSeq, count }) => [firstSeq, count])).toEqual([
      [1, 500],
      [501, 500],
      [1_001, 202],
      [1_203, 2],
      [1_205, 2],
      [1_207, 1],
    ]);
    // What readers hold at once has a bound of its own, whatever goes out at once.
    const sizes = (await bus.readLog('e', 0, 1_000)).map(({ payload }) => payload.length);
    expect(Math.max(...sizes)).toBeLessThan(64 * 1024 + 40_000);
    expect(sizes.length).toBeLessThan(batches.length);
  });

  describe('a flood', () => {
    const flood = Buffer.from(`${'x'.repeat(99)}\n`.repeat(2_000));
    /** Each flush of it fills a chunk. */
    const limits = { flushBytes: 200_000, chunkBytes: 200_000 };
    const heard = (bus: MemoryEventBus): string[] => {
      const hints: string[] = [];
      bus.subscribe(liveTopic('e'), (hint) => hints.push(hint));
      return hints;
    };

    it('is told to live readers when it is stored, and never sent to them', async () => {
      const { writer, bus, live, read } = setUp({ clock: new ManualClock(), limits });
      const hints = heard(bus);
      const sink = writer.source(out);
      for (let round = 0; round < 20; round++) {
        const room = sink.write(flood);
        if (room !== true) await room;
      }
      await writer.close();
      await turn();
      const stored = hints.filter((hint) => hint !== 'resync' && hint !== 'log');
      expect(stored.length).toBeGreaterThan(3);
      expect(stored.every((hint) => /^stored:\d+$/.test(hint))).toBe(true);
      expect(stored.at(-1)).toBe('stored:40000');
      expect(await live()).toEqual([]);
      expect(await read()).toHaveLength(40_000);
    });

    it('is sent to them when the store does not take it in time, and masked', async () => {
      const clock = new ManualClock();
      const { writer, store, live, read } = setUp({
        clock,
        limits,
        masks: MaskSet.from(['hunter2hunter2']),
      });
      store.away = true;
      const sink = writer.source(out);
      void sink.write(Buffer.concat([flood, flood, Buffer.from('token hunter2h')]));
      void sink.write(Buffer.from('unter2 ends\n'));
      clock.advance(249);
      expect(await live()).toEqual([]);
      clock.advance(1);
      expect(await live()).not.toEqual([]);
      // The rest of it was flushed by the timer.
      clock.advance(25);
      const bytes = Buffer.concat((await live()).map((batch) => batch.bytes)).toString();
      expect(bytes).toBe(`${flood.toString().repeat(2)}token *** ends\n`);
      store.away = false;
      const closed = writer.close();
      await advanceUntil(clock, closed);
      expect(texts(await read()).at(-1)).toBe('token *** ends');
    });

    it('sends what comes behind it once the flood is stored, and nothing in between', async () => {
      const clock = new ManualClock();
      const { writer, store, live } = setUp({ clock, limits });
      const sink = writer.source(out);
      void sink.write(flood);
      clock.advance(126);
      void sink.write(Buffer.from('behind it\n'));
      clock.advance(0);
      expect(await live()).toEqual([]);
      await until(() => store.size === 1);
      await turn();
      expect((await live()).map(({ firstSeq, count }) => [firstSeq, count])).toEqual([[2_001, 1]]);
      await writer.close();
    });

    it('is forgotten when the lease is lost', async () => {
      const clock = new ManualClock();
      const { writer, store, live } = setUp({ clock, limits });
      store.away = true;
      void writer.source(out).write(Buffer.concat([flood, flood]));
      writer.abandon();
      clock.advance(1_000);
      expect(await live()).toEqual([]);
    });
  });

  it('stores a quiet step after the age of a chunk', async () => {
    const clock = new ManualClock();
    const { writer, store } = setUp({ clock });
    void writer.source(out).write(Buffer.from('quiet\n'));
    clock.advance(4_900);
    expect(store.calls).toBe(0);
    clock.advance(200);
    await until(() => store.size === 1);
  });

  it('cuts a long line into lines that say so, and the plain text has it whole', async () => {
    const { writer, read, store } = setUp();
    const line = Array.from({ length: 20_000 }, (_, index) => `${index}ü`).join(' ');
    const sink = writer.source(out);
    void sink.write(Buffer.from(`before\n${line}\nafter\n`));
    await writer.close();
    const lines = await read();
    expect(lines.length).toBeGreaterThan(4);
    expect(lines.map(({ continues }) => continues === true)).toEqual(
      lines.map((_, index) => index > 0 && index < lines.length - 2),
    );
    expect(texts(lines).slice(1, -1).join('')).toBe(line);
    const reader = new LogReader(store);
    let plain = '';
    const query = { executionId: 'e', fences: [{ fence: 1, firstSeq: 1 }], afterSeq: 0 };
    for await (const text of reader.readPlain(query)) plain += text;
    expect(plain).toBe(`before\n${line}\nafter\n`);
  });

  it('shows an unfinished line after a second, but nothing in which a mask may be growing', async () => {
    const clock = new ManualClock();
    const { writer, live, store, read } = setUp({ clock, masks: MaskSet.from(['hunter2hunter2']) });
    const [stdout, stderr] = [writer.source(out), writer.source(err)];
    const shown = async () => Buffer.concat((await live()).map(({ bytes }) => bytes)).toString();
    void stdout.write(Buffer.from('Password for hunter'));
    clock.advance(999);
    void stdout.write(Buffer.from('2'));
    expect(await shown()).toBe('');
    clock.advance(1);
    clock.advance(25);
    expect(await shown()).toBe('Password for \n');
    void stdout.write(Buffer.from('hunter2 10%\r20%\rü'));
    void stdout.write(Buffer.from('ü').subarray(0, 1));
    clock.advance(1_100);
    expect(await shown()).toBe('Password for \n*** 10%\r20%\rü\n');
    void stdout.write(Buffer.from([0xbc]));
    void stdout.write(Buffer.from(' done\nno end'));
    clock.advance(2_000);
    void stderr.write(Buffer.from('killed\n'));
    clock.advance(100);
    expect(writer.lastLines(out, 5)).toEqual([
      'Password for *** 10%\r20%\rüü done',
      'no end',
      'killed',
    ]);
    await writer.close();
    const reader = new LogReader(store);
    const query = { executionId: 'e', fences: [{ fence: 1, firstSeq: 1 }], afterSeq: 0 };
    let plain = '';
    for await (const text of reader.readPlain(query)) plain += text;
    expect(plain).toBe('Password for *** 10%\r20%\rüü done\nno end\nkilled\n');
    expect(await reader.tail(query, 2)).toEqual(['no end', 'killed']);
    expect(await reader.tail(query, 3)).toEqual(plain.split('\n').slice(0, 3));
    expect((await read()).map(({ seq, continues }) => [seq, continues === true])).toEqual([
      [1, true],
      [2, true],
      [3, false],
      [4, true],
      [5, false],
    ]);
  });

  it('does not cut a line that ends in time, however many come', async () => {
    const clock = new ManualClock();
    const { writer, read } = setUp({ clock });
    const sink = writer.source(out);
    for (let index = 0; index < 50; index++) {
      void sink.write(Buffer.from(`${index} begins`));
      clock.advance(900);
      void sink.write(Buffer.from(' and ends\nnext: '));
    }
    await writer.close();
    expect((await read()).filter(({ continues }) => continues)).toEqual([]);
  });

  it('stops the pipe while the store is away, then loses and doubles nothing', async () => {
    const limits = { unstoredBytes: 200_000, chunkBytes: 50_000 };
    const { writer, store, read, problems } = setUp({ limits });
    store.away = true;
    let produced = 0;
    const source = Readable.from(
      (function* () {
        while (produced < 400) yield Buffer.from(`${produced++} ${'x'.repeat(9_990)}\n`);
      })(),
    );
    const piped = pipeToSink(source, writer.source(out));
    await until(() => problems.length >= 2);
    expect(produced).toBeLessThan(60);
    store.away = false;
    store.lies = 3;
    await piped;
    expect(await writer.close()).toEqual({ lastSeq: 400 });
    const lines = await read();
    expect(seqs(lines)).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
    expect(lines.every(({ text }, index) => text.startsWith(`${index} `))).toBe(true);
  });

  it('continues to the store while the bus fails or hangs', async () => {
    class DeadBus extends MemoryEventBus {
      held = 0;
      override appendLog(_id: string, entry: { firstSeq: number; payload: Buffer }) {
        if (entry.firstSeq === 1) return Promise.reject(new Error('bus away'));
        this.held += entry.payload.length;
        return new Promise<never>(() => undefined);
      }
    }
    const bus = new DeadBus();
    const { writer, read, problems } = setUp({ bus, limits: { heldMs: 0 } });
    const sink = writer.source(out);
    for (let index = 0; index < 100; index++) {
      const room = sink.write(Buffer.from(`${'x'.repeat(99_999)}\n`));
      if (room !== true) await room;
    }
    expect(await writer.close()).toEqual({ lastSeq: 200 });
    expect(problems).toHaveLength(1);
    expect(bus.held).toBeLessThan(1_400_000);
    expect(await read()).toHaveLength(200);
  });

  it('keeps the live stream small, and in it all that is not stored', async () => {
    const { writer, bus, store } = setUp({ limits: { liveBytes: 300_000, heldMs: 0 } });
    const sink = writer.source(out);
    let largest = 0;
    for (let index = 0; index < 100; index++) {
      const room = sink.write(Buffer.from(`${'x'.repeat(60_000)}\n`));
      if (room !== true) await room;
      const entries = await bus.readLog('e', 0, 1_000);
      largest = Math.max(
        largest,
        entries.reduce((sum, { payload }) => sum + payload.length, 0),
      );
      const stored = (await store.lastSeq('e', 1)) ?? 0;
      if (entries[0]) expect(entries[0].firstSeq).toBeLessThanOrEqual(stored + 1);
    }
    await writer.close();
    expect(largest).toBeLessThan(300_000 + defaultLogLimits.unstoredBytes + 200_000);
  });

  it('drops output beyond the limit of the execution, and says so', async () => {
    const { writer, read } = setUp({ limits: { totalBytes: 1_000 } });
    const sink = writer.source(out);
    for (let index = 0; index < 100; index++)
      void sink.write(Buffer.from(`${index} ${'x'.repeat(97)}\n`));
    writer.systemLine(out, 'exit 0');
    await writer.close();
    const lines = await read();
    expect(lines.filter(({ stream }) => stream === 'stdout')).toHaveLength(10);
    expect(texts(lines.filter(({ stream }) => stream === 'system'))).toEqual([
      '{truncated} The log reached its limit of 1000 bytes; further output is dropped.',
      'exit 0',
      expect.stringMatching(/^\{truncated\} 9\d{3} bytes were dropped\.$/),
    ]);
    expect(seqs(lines)).toEqual(lines.map((_, index) => index + 1));
  });

  it.each([
    ['at once', 1],
    ['in reads that end within lines', 7],
  ])('keeps all lines that fit into the limit, also of what comes %s', async (_case, reads) => {
    const taken = { lines: 0, bytes: 0, dropped: 0 };
    const meter = {
      taken: (lines: number, bytes: number) => {
        taken.lines += lines;
        taken.bytes += bytes;
      },
      dropped: (bytes: number) => (taken.dropped += bytes),
      truncated: () => undefined,
    };
    const { writer, read } = setUp({ limits: { totalBytes: 1_050 }, meter });
    const printed = Buffer.from(`${'x'.repeat(99)}\n`.repeat(100));
    const size = Math.ceil(printed.length / reads);
    const sink = writer.source(out);
    for (let at = 0; at < printed.length; at += size) {
      await sink.write(printed.subarray(at, at + size));
    }
    await writer.close();
    expect((await read()).filter(({ stream }) => stream === 'stdout')).toHaveLength(10);
    expect(texts(await read()).at(-1)).toBe('{truncated} 9000 bytes were dropped.');
    expect(taken).toMatchObject({ bytes: 1_000, dropped: 9_000 });
  });

  it('keeps nothing of the memory that it was given, whatever comes in it next', async () => {
    const { writer, read } = setUp({ masks: MaskSet.from(['hunter2']) });
    const sink = writer.source(out);
    const memory = Buffer.alloc(64);
    const texts64 = ['one\ntwo hun', 'ter2\nhun', 'ger\n', 'x'.repeat(40), '\nlast'];
    for (const text of texts64) {
      const room = sink.write(memory.subarray(0, memory.write(text)));
      memory.fill('#');
      if (room !== true) await room;
    }
    await writer.close();
    expect(texts(await read())).toEqual(['one', 'two ***', 'hunger', 'x'.repeat(40), 'last']);
  });

  it('counts bytes once it is full', async () => {
    const { writer, read } = setUp({ limits: { totalBytes: 100 } });
    const sink = writer.source(out);
    expect(sink.write(Buffer.from('x'.repeat(99) + '\n'))).toBe(true);
    expect(sink.write(Buffer.from('one more\n'))).toBe(true);
    expect(sink.write(Buffer.from('y'.repeat(500)))).toBe(true);
    await writer.close();
    expect(texts(await read()).at(-1)).toBe('{truncated} 509 bytes were dropped.');
  });

  it('counts of what is dropped only what the step wrote, not the ends of lines it adds', async () => {
    const { writer, read } = setUp({ limits: { totalBytes: 100, lineBytes: 60 } });
    const sink = writer.source(out);
    void sink.write(Buffer.from(`${'x'.repeat(50)}\n${'y'.repeat(150)}`));
    void sink.write(Buffer.from('z'.repeat(7)));
    await writer.close();
    expect(texts(await read()).at(-1)).toBe('{truncated} 157 bytes were dropped.');
  });

  it('takes a line of 300 MB in bounded memory', async () => {
    const { writer, store } = setUp({ limits: { totalBytes: 20_000_000 } });
    const sink = writer.source(out);
    const piece = Buffer.alloc(65_536, 'x');
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let index = 0; index < 4_800; index++) {
      const room = sink.write(piece);
      if (room !== true) await room;
      if (index % 64 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    await writer.close();
    // Garbage that is not collected yet counts too: the bound only has to be far below the line.
    expect(most).toBeLessThan(150 * 1024 * 1024);
    expect(store.size).toBeGreaterThan(10);
  });

  it('hands the last lines over for whoever tells the end to store them, and stores the rest', async () => {
    const { writer, store } = setUp({ limits: { chunkBytes: 1_000, flushBytes: 500 } });
    const sink = writer.source(out);
    for (let index = 0; index < 33; index++) {
      const room = sink.write(Buffer.from(`${index} ${'x'.repeat(97)}\n`));
      if (room !== true) await room;
    }
    const { lastSeq, lastChunk } = await writer.closeBut(1_000);
    const stored = (await store.lastSeq('e', 1)) ?? 0;
    expect(stored).toBeGreaterThan(0);
    expect(lastChunk).toMatchObject({ firstSeq: stored + 1, lastSeq });
    const reader = new LogReader(store);
    const query = {
      executionId: 'e',
      fences: [{ fence: 1, firstSeq: 1, lastSeq, lastChunk }],
      afterSeq: 0,
    };
    const lines: LogLine[] = [];
    for await (const line of reader.readLines(query)) lines.push(line);
    expect(seqs(lines)).toEqual(Array.from({ length: 33 }, (_, index) => index + 1));
    expect(await reader.tail(query, 33)).toEqual(texts(lines));
  });

  it('stores everything itself when the rest is more than may be handed over', async () => {
    const { writer, store, read } = setUp();
    void writer.source(out).write(Buffer.from(`${'x'.repeat(200)}\n`));
    expect(await writer.closeBut(100)).toEqual({ lastSeq: 1 });
    expect(await store.lastSeq('e', 1)).toBe(1);
    expect(await read()).toHaveLength(1);
  });

  it('drops what comes after the end of a step, with one marker', async () => {
    const { writer, read } = setUp();
    const sink = writer.source(out);
    void sink.write(Buffer.from('in time\n'));
    sink.end();
    sink.end();
    void sink.write(Buffer.from('late\n'));
    void sink.write(Buffer.from('later\n'));
    await writer.close();
    expect(texts(await read())).toEqual(['in time', '{dropped} Output after the end of the step.']);
  });

  it('begins with a marker behind a lost attempt', async () => {
    const { writer, read } = setUp({ firstSeq: 101, lost: true });
    void writer.source(out).write(Buffer.from('again\n'));
    await writer.close();
    const lines = await read();
    expect(lines.map(({ seq, text }) => [seq, text])).toEqual([
      [101, LOST_MARKER],
      [102, 'again'],
    ]);
    expect(lines[0]).toMatchObject({ ...executionAddress, stream: 'system' });
  });

  it('gives as last lines of a try what it printed; the lines of the platform where that is nothing', () => {
    const { writer } = setUp({ clock: new ManualClock() });
    writer.systemLine(out, 'cache: restored');
    expect(writer.lastLines(out, 5)).toEqual(['cache: restored']);
    void writer.source(out).write(Buffer.from('one\n'));
    void writer.source({ ...out, stream: 'stderr' }).write(Buffer.from('two\n'));
    for (let index = 0; index < 10; index++) writer.systemLine(out, 'artifacts: kept');
    expect(writer.lastLines(out, 5)).toEqual(['one', 'two']);
    expect(writer.tail(2)).toEqual(['artifacts: kept', 'artifacts: kept']);
  });

  it('gives the last lines of a try and of the whole', () => {
    const { writer } = setUp({ clock: new ManualClock() });
    const [first, second] = [writer.source(out), writer.source({ ...out, attempt: 2 })];
    for (let index = 0; index < 30; index++) void first.write(Buffer.from(`${index}\n`));
    void second.write(Buffer.from('again\n'));
    expect(writer.lastLines(out, 3)).toEqual(['27', '28', '29']);
    expect(writer.lastLines({ ...out, attempt: 2 }, 20)).toEqual(['again']);
    expect(writer.lastLines({ ...out, attempt: 3 }, 20)).toEqual([]);
    expect(writer.tail(2)).toEqual(['29', 'again']);
  });

  it('abandons: pipes run dry, the end rejects, nothing more is stored', async () => {
    const { writer, store } = setUp({
      limits: { unstoredBytes: 1_000, chunkBytes: 500, flushBytes: 500 },
    });
    store.away = true;
    const sink = writer.source(out);
    const room = sink.write(Buffer.from(`${'x'.repeat(2_000)}\n`.repeat(50)));
    expect(room).not.toBe(true);
    const closed = writer.close();
    writer.abandon();
    await room;
    await expect(closed).rejects.toMatchObject({ code: 'log_abandoned' });
    store.away = false;
    expect(sink.write(Buffer.from('more\n'))).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(store.size).toBe(0);
  });
});

/** Moves a clock until `done` is; whoever waits between two timers gets a turn. */
async function advanceUntil(clock: ManualClock, done: Promise<unknown>): Promise<void> {
  let isDone = false;
  void done.finally(() => (isDone = true));
  await until(() => {
    clock.advance(50);
    return isDone;
  });
}

/** Waits for a condition; fails the test after 5 s. */
async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('The condition did not come true within 5 s.');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
