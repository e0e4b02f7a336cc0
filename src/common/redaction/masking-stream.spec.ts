import fc from 'fast-check';
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
    expect(new MaskingStream(MaskSet.empty).push(bytes)).toEqual([bytes]);
  });
});

/**
 * The definition of masking, written without any of the machinery. For secrets of `a` and `b` in a
 * text of these, where no base64 form can occur: base64 of them always has other letters.
 */
function maskedByHand(text: string, values: readonly string[]): string {
  const starts: [number, number][] = [];
  for (const value of new Set(values)) {
    for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) {
      starts.push([at, at + value.length]);
    }
  }
  starts.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
  let result = '';
  let position = 0;
  let maskedTo = 0;
  for (const [start, end] of starts) {
    if (start >= maskedTo) result += `${text.slice(position, start)}***`;
    maskedTo = Math.max(maskedTo, end);
    position = maskedTo;
  }
  return result + text.slice(position);
}
