import fc from 'fast-check';
import { countLineFeeds, LineCutter } from './line-cutter.js';

interface Cut {
  readonly text: string;
  readonly continues: boolean;
}

function cutLines(lineBytes: number, pieces: readonly Buffer[]): Cut[] {
  const lines: Cut[] = [];
  const cutter = new LineCutter(lineBytes, {
    lines(parts, byteLength, count) {
      const bytes = Buffer.concat(parts);
      expect(bytes.length).toBe(byteLength);
      expect(countLineFeeds(bytes)).toBe(count);
      const texts = bytes.toString('latin1').split('\n');
      expect(texts.pop()).toBe('');
      lines.push(...texts.map((text) => ({ text, continues: false })));
    },
    cutLine(parts, byteLength) {
      const text = Buffer.concat(parts).toString('latin1');
      expect(text).toHaveLength(byteLength);
      expect(text.endsWith('\n')).toBe(true);
      lines.push({ text: text.slice(0, -1), continues: true });
    },
    lastLine(parts, byteLength) {
      const text = Buffer.concat(parts).toString('latin1');
      expect(text).toHaveLength(byteLength);
      expect(text.indexOf('\n')).toBe(text.length - 1);
      lines.push({ text: text.slice(0, -1), continues: false });
    },
  });
  for (const piece of pieces) cutter.push(piece);
  cutter.end();
  return lines;
}

/** The same, by splitting the whole text. ASCII only. */
function cutWhole(lineBytes: number, text: string): Cut[] {
  const texts = text.split('\n');
  if (texts.at(-1) === '') texts.pop();
  return texts.flatMap((line) => {
    const parts: Cut[] = [];
    let rest = line;
    while (rest.length > lineBytes) {
      parts.push({ text: rest.slice(0, lineBytes), continues: true });
      rest = rest.slice(lineBytes);
    }
    return [...parts, { text: rest, continues: false }];
  });
}

describe('countLineFeeds', () => {
  it('counts at any place in memory, among any bytes', () => {
    const others = [0x00, 0x09, 0x0b, 0x7f, 0x80, 0x8a, 0x8b, 0xff];
    const memory = fc.array(fc.constantFrom(0x0a, 0x0a, ...others), { maxLength: 40 });
    fc.assert(
      fc.property(memory, fc.nat(8), (values, from) => {
        const bytes = Buffer.from(new Uint8Array(values).buffer).subarray(from);
        expect(countLineFeeds(bytes)).toBe(values.slice(from).filter((one) => one === 0x0a).length);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('LineCutter', () => {
  it('cuts the same lines wherever the stream is cut', () => {
    const pieces = fc.array(
      fc.string({ unit: fc.constantFrom('a', 'b', '\r', '\n'), maxLength: 30 }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 12 }), pieces, (lineBytes, texts) => {
        const buffers = texts.map((text) => Buffer.from(text));
        expect(cutLines(lineBytes, buffers)).toEqual(cutWhole(lineBytes, texts.join('')));
      }),
      { numRuns: 1_000 },
    );
  });

  it('keeps a line of exactly the limit whole', () => {
    expect(cutLines(4, [Buffer.from('abcd'), Buffer.from('\nabcde\n')])).toEqual([
      { text: 'abcd', continues: false },
      { text: 'abcd', continues: true },
      { text: 'e', continues: false },
    ]);
  });

  it('does not tear a UTF-8 character', () => {
    const lines = cutLines(7, [Buffer.from('abcdefüü€'), Buffer.from('😀😀\n')]);
    const texts = lines.map(({ text }) => Buffer.from(text, 'latin1').toString());
    expect(texts.join('')).toBe('abcdefüü€😀😀');
    expect(texts.join('')).not.toContain('\ufffd');
    for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(7);
  });

  it('cuts what is no UTF-8 at the limit', () => {
    const lines = cutLines(8, [Buffer.alloc(20, 0x80)]);
    expect(lines.map(({ text }) => text.length)).toEqual([8, 8, 4]);
  });
});
