import fc from 'fast-check';
import { BodyBudget } from './body-budget.js';
import { jsonProblem } from './json-guard.js';

const problemOf = (text: string): string | undefined => jsonProblem(Buffer.from(text));

describe('jsonProblem', () => {
  it.each([
    ['[', 10_000, 'too_deep'],
    ['{"a":', 10_000, 'too_deep'],
    ['[],', 100_000, 'too_many_parts'],
    ['"a":1,', 100_000, 'too_many_parts'],
    ['"[{,:",', 1_000, undefined],
    ['"\\\\","[",', 1_000, undefined],
  ])('of %s %i times: %s', (part, times, problem) => {
    expect(problemOf(part.repeat(times))).toBe(problem);
  });

  it('looks at no bracket within a text', () => {
    expect(problemOf(JSON.stringify({ yaml: '[{,:"\\'.repeat(100_000) }))).toBeUndefined();
  });

  it('finds nothing in any JSON that is flat and small', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 20 }), (value) => {
        expect(problemOf(JSON.stringify(value))).toBeUndefined();
      }),
    );
  });

  it('counts the depth of any JSON right', () => {
    const depths = fc.integer({ min: 1, max: 64 });
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), depths, (value, depth) => {
        const first = `[${JSON.stringify(value)},`;
        expect(problemOf(`${first}${'['.repeat(depth - 1)}"]"${']'.repeat(depth)}`)).toBe(
          undefined,
        );
        expect(problemOf(`${first}${'['.repeat(64)}"]"`)).toBe('too_deep');
      }),
    );
  });

  it('takes any bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void jsonProblem(Buffer.from(bytes))));
  });
});

describe('BodyBudget', () => {
  const KiB = 1024;

  it('counts what bodies have beyond 64 KiB, and takes it back', () => {
    const budget = new BodyBudget(100 * KiB);
    const [one, two, small] = [budget.open(), budget.open(), budget.open()];
    expect(one.grow(64 * KiB + 60 * KiB)).toBe(true);
    expect(two.grow(64 * KiB + 60 * KiB)).toBe(false);
    expect(two.grow(64 * KiB + 40 * KiB)).toBe(true);
    expect(small.grow(64 * KiB)).toBe(true);
    expect(small.grow(64 * KiB + 1)).toBe(false);
    one.release();
    one.release();
    expect(small.grow(64 * KiB + 60 * KiB)).toBe(true);
    expect(small.grow(64 * KiB + 61 * KiB)).toBe(false);
  });
});
