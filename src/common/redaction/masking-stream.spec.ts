import fc from 'fast-check';
import { maskForms } from './mask-forms.js';
import { MaskSet } from './mask-set.js';
import { MaskingStream } from './masking-stream.js';

const secret = 'hunter2/p+ss wörd';
const masks = MaskSet.from([secret, 'tokentoken', 'oken']);

function stream(set: MaskSet, pieces: readonly Buffer[]): string {
  const masking = new MaskingStream(set);
  const output = pieces.flatMap((piece) => masking.push(piece));
  return Buffer.concat([...output, ...masking.flush()]).toString();
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const edges = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

const sample = Buffer.from(
  [
    `plain ${secret} and ${encodeURIComponent(secret)}`,
    `json ${JSON.stringify({ secret })}`,
    `base64 ${Buffer.from(`user:${secret}`).toString('base64')}`,
    'tokentokentoken tokentoke toke',
    'hunter2/p+ss w',
  ].join('\n'),
);

describe('MaskingStream', () => {
  it('gives the same at every pair of cuts', () => {
    const whole = masks.maskText(sample.toString());
    for (let first = 0; first <= sample.length; first++) {
      expect(stream(masks, cutAt(sample, [first]))).toBe(whole);
      for (let second = first; second <= sample.length; second += 7) {
        expect(stream(masks, cutAt(sample, [first, second]))).toBe(whole);
      }
    }
  });

  it('gives the same byte by byte', () => {
    const bytes = [...sample].map((byte) => Buffer.from([byte]));
    expect(stream(masks, bytes)).toBe(masks.maskText(sample.toString()));
  });

  it('masks as a search of the whole text does, for any secrets, text and cuts', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 60 });
    const secrets = fc.array(
      fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 4, maxLength: 9 }),
      { maxLength: 5 },
    );
    const cuts = fc.array(fc.nat(60), { maxLength: 6 });
    fc.assert(
      fc.property(secrets, letters, cuts, (values, text, positions) => {
        const bytes = Buffer.from(text);
        const pieces = cutAt(
          bytes,
          positions.map((position) => Math.min(position, bytes.length)),
        );
        const expected = maskedByHand(text, values);
        expect(stream(MaskSet.from(values), pieces)).toBe(expected);
        expect(MaskSet.from(values).maskText(text)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  describe('whose set grows', () => {
    const late = ['late-secret/1', secret];

    /** What comes out when `late` is added behind the first `grownAt` bytes, cut as told. */
    function grown(
      first: readonly string[],
      added: readonly string[],
      pieces: readonly Buffer[],
      grownAt: number,
    ): string {
      const set = MaskSet.from(first);
      const masking = new MaskingStream(set);
      const output: Buffer[] = [];
      let pushed = 0;
      for (const piece of pieces) {
        if (pushed === grownAt) set.add(added);
        output.push(...masking.push(piece));
        pushed += piece.length;
      }
      if (pushed === grownAt) set.add(added);
      return Buffer.concat([...output, ...masking.flush()]).toString();
    }

    it('masks what begins later, and what is held back, at every pair of cuts', () => {
      const text = Buffer.from(`a late-secret/1 tokentoken late-secret/1 ${secret}\n${secret} x`);
      for (let grownAt = 0; grownAt <= text.length; grownAt++) {
        const whole = grown(['tokentoken', 'oken'], late, cutAt(text, [grownAt]), grownAt);
        expect(whole).toBe(
          maskedAsGrown(text.toString(), ['tokentoken', 'oken'], late, grownAt, maskForms),
        );
        for (let cut = 0; cut <= text.length; cut += 3) {
          const pieces = cutAt(text, [grownAt, cut]);
          expect(grown(['tokentoken', 'oken'], late, pieces, grownAt)).toBe(whole);
        }
      }
    });

    it('holds nothing back that was free before, and masks from the next byte on', () => {
      const set = MaskSet.from([]);
      const masking = new MaskingStream(set);
      const push = (text: string) => Buffer.concat(masking.push(Buffer.from(text))).toString();
      expect(push('hunter2 hun')).toBe('hunter2 hun');
      set.add(['hunter2']);
      expect(push('ter2 hun')).toBe('ter2 ');
      expect(push('ter2 .')).toBe('*** .');
    });

    it('masks what was held back for another mask', () => {
      const set = MaskSet.from(['hunter2-the-longer']);
      const masking = new MaskingStream(set);
      const push = (text: string) => Buffer.concat(masking.push(Buffer.from(text))).toString();
      expect(push('a hunter2')).toBe('a ');
      set.add(['hunter2']);
      expect(push(' .')).toBe('*** .');
    });

    it('joins a new mask with one whose *** is out', () => {
      const set = MaskSet.from(['abcd', 'cdefgh']);
      const masking = new MaskingStream(set);
      const push = (text: string) => Buffer.concat(masking.push(Buffer.from(text))).toString();
      expect(push('-abcdef')).toBe('-***');
      set.add(['defxyz']);
      expect(push('xyz-')).toBe('-');
    });

    it('does as it is defined, for any secrets, text, cuts and time of growing', () => {
      const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 60 });
      const values = fc.array(
        fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 4, maxLength: 9 }),
        { maxLength: 4 },
      );
      const cuts = fc.array(fc.nat(60), { maxLength: 6 });
      fc.assert(
        fc.property(
          values,
          values,
          letters,
          cuts,
          fc.nat(60),
          (first, added, text, positions, time) => {
            const bytes = Buffer.from(text);
            const within = (at: number): number => Math.min(at, bytes.length);
            const pieces = cutAt(bytes, [...positions, time].map(within));
            const output = grown(first, added, pieces, within(time));
            expect(output).toBe(maskedAsGrown(text, first, added, within(time), (each) => [each]));
          },
        ),
        { numRuns: 2_000 },
      );
    });
  });

  it('shows a partial line at once unless a mask may be growing at its end', () => {
    const masking = new MaskingStream(masks);
    const push = (text: string) => Buffer.concat(masking.push(Buffer.from(text))).toString();
    expect(push('50%\r')).toBe('50%\r');
    expect(push('ends with hun')).toBe('ends with ');
    expect(push('k')).toBe('hunk');
    expect(push('tok')).toBe('');
    expect(push('\n')).toBe('tok\n');
  });

  it('holds back less than the longest mask', () => {
    const long = 'x'.repeat(10_000);
    const set = MaskSet.from([long]);
    const masking = new MaskingStream(set);
    let held = 0;
    for (let index = 0; index < 40; index++) {
      masking.push(Buffer.from('x'.repeat(777)));
      held = Math.max(held, masking.heldBytes);
    }
    expect(held).toBeLessThan(set.longest);
    expect(stream(set, [Buffer.from('x'.repeat(9_999))])).toBe('x'.repeat(9_999));
    expect(stream(set, [Buffer.from('x'.repeat(31_080))])).toBe('***');
  });

  it('passes everything through without secrets', () => {
    const bytes = Buffer.from('anything\n');
    expect(new MaskingStream(MaskSet.from([])).push(bytes)).toEqual([bytes]);
  });
});

/**
 * The definition of masking by a set that grows when `grownAt` bytes have come: until then bytes
 * are held back from the first one at which a mask of the first set may be growing. New masks count
 * where they begin there or later. For texts of ASCII.
 */
function maskedAsGrown(
  text: string,
  first: readonly string[],
  added: readonly string[],
  grownAt: number,
  formsOf: (value: string) => readonly (string | Buffer)[],
): string {
  const forms = (values: readonly string[]): string[] => [
    ...new Set(
      values.flatMap((value) => formsOf(value).map((form) => Buffer.from(form).toString('latin1'))),
    ),
  ];
  const latin1 = Buffer.from(text).toString('latin1');
  const came = latin1.slice(0, grownAt);
  let heldFrom = came.length;
  for (let start = came.length - 1; start > came.lastIndexOf('\n'); start--) {
    const end = came.slice(start);
    if (forms(first).some((form) => form.length > end.length && form.startsWith(end))) {
      heldFrom = start;
    }
  }
  const ranges = [
    ...rangesOf(latin1, forms(first)),
    ...rangesOf(latin1, forms(added)).filter(([start]) => start >= heldFrom),
  ];
  return Buffer.from(replaced(latin1, ranges), 'latin1').toString();
}

/**
 * The definition of masking, written without any of the machinery. For secrets of `a` and `b` in a
 * text of these, where no base64 form can occur: base64 of them always has other letters.
 */
function maskedByHand(text: string, values: readonly string[]): string {
  return replaced(text, rangesOf(text, values));
}

function rangesOf(text: string, values: readonly string[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const value of new Set(values)) {
    for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) {
      ranges.push([at, at + value.length]);
    }
  }
  return ranges;
}

function replaced(text: string, ranges: [number, number][]): string {
  const sorted = ranges.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
  let result = '';
  let position = 0;
  let maskedTo = 0;
  for (const [start, end] of sorted) {
    if (start >= maskedTo) result += `${text.slice(position, start)}***`;
    maskedTo = Math.max(maskedTo, end);
    position = maskedTo;
  }
  return result + text.slice(position);
}
