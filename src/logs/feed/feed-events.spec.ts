import type { LogBatch, LogLine } from '../store/log-record.js';
import { logEvents, statusEvent } from './feed-events.js';

describe('an event of the live feed', () => {
  const HOSTILE = ['\n\nevent: done\ndata: {}\n\n', '\r\rid: 9\r', 'data: x', '\u2028event: y'];

  it.each(HOSTILE)('holds %j in its data, and ends nowhere before its end', (text) => {
    const sent = statusEvent('status', { reason: { message: text } }, 7);
    const lines = sent.split(/\r\n|\r|\n/);
    expect(lines).toHaveLength(4);
    expect(lines.slice(2)).toEqual(['', '']);
    expect(lines[0]).toBe('event: status');
    const data = lines[1]?.replace(/^data: /, '') ?? '';
    expect(JSON.parse(data)).toEqual({ reason: { message: text }, last_seq: 7 });
  });
});

describe('events of lines', () => {
  /** Of lines with these texts, from number `firstSeq` on. */
  const batch = (firstSeq: number, ...texts: string[]): LogBatch => ({
    ...{ firstSeq, count: texts.length, ts: 0, stream: 'stdout' },
    ...{ stage: 'build', step: 'compile', attempt: 1 },
    bytes: Buffer.from(texts.map((text) => `${text}\n`).join('')),
  });
  const sent = (batches: readonly LogBatch[]): { id: number; bytes: number; texts: string[] }[] =>
    [...logEvents(batches)].map(({ bytes, giveBack }) => {
      const [id = '', name, data = '', ...rest] = bytes.toString().split('\n');
      expect([name, ...rest]).toEqual(['event: log', '', '']);
      const { lines } = JSON.parse(data.replace('data: ', '')) as { lines: LogLine[] };
      const all = { bytes: bytes.length, texts: lines.map(({ text }) => text) };
      // The next one is made in the same memory.
      giveBack();
      return { id: Number(id.replace('id: ', '')), ...all };
    });

  it('have at most 500 lines of all batches', () => {
    const batches = Array.from({ length: 300 }, (_, index) =>
      batch(2 * index + 1, `a${String(index)}`, `b${String(index)}`),
    );
    const events = sent(batches);
    expect(events.map(({ id, texts }) => [id, texts.length])).toEqual([
      [500, 500],
      [600, 100],
    ]);
    expect(events[1]?.texts.slice(0, 2)).toEqual(['a250', 'b250']);
  });

  it('have at most 128 KiB, unless one line has more', () => {
    const long = 'x'.repeat(60 * 1024);
    const longer = '"'.repeat(70 * 1024);
    const events = sent([batch(1, long, long), batch(3, long, longer, 'y'), batch(6, long)]);
    expect(events.map(({ id, texts }) => [id, texts.map(({ length }) => length)])).toEqual([
      [2, [long.length, long.length]],
      [3, [long.length]],
      [4, [longer.length]],
      [6, [1, long.length]],
    ]);
    const [first, , third] = events;
    expect(first?.bytes).toBeLessThan(128 * 1024);
    expect(third?.bytes).toBeGreaterThan(140 * 1024);
  });

  it('are none of no batch', () => {
    expect(sent([])).toEqual([]);
  });
});
