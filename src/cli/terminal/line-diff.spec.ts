import fc from 'fast-check';
import { diffLines, hunksOf } from './line-diff.js';

const numbers = (count: number): string[] => Array.from({ length: count }, (_, at) => `l${at}`);
const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

describe('diffLines', () => {
  it('leads from one text to the other', () => {
    const text = fc.array(fc.constantFrom('a', 'b', '\n')).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before, after);
        const of = (left: string): string =>
          lines.flatMap(({ kind, text: each }) => (kind === left ? [] : [each])).join('');
        expect([of('added'), of('removed')]).toEqual([before, after]);
      }),
    );
  });

  it('replaces what is too much to compare', () => {
    const [a, b] = ['a', 'b'].map((each) => `${each}\n`.repeat(3_000));
    expect(diffLines(a ?? '', b ?? '')).toHaveLength(6_000);
  });
});

describe('hunksOf', () => {
  it('is nothing of two same texts', () => {
    expect(hunksOf(diffLines('a\nb\n', 'a\nb\n'))).toEqual([]);
    expect(hunksOf(diffLines('', ''))).toEqual([]);
  });

  it('tells that a text ends without the end of a line', () => {
    expect(hunksOf(diffLines('a\nb\n', 'a\nb'))).toEqual([
      ...['@@ -1 +1 @@', ' a', '-b', '+b', '\\ No newline at end of file'],
    ]);
    expect(hunksOf(diffLines('a\nb', 'c\nb'))).toEqual([
      ...['@@ -1 +1 @@', '-a', '+c', ' b', '\\ No newline at end of file'],
    ]);
  });

  it('shows many changes in a moment', () => {
    const same = Array.from({ length: 9 }, () => ({ kind: 'same' as const, text: 'same\n' }));
    const changed = { kind: 'added' as const, text: 'new\n' };
    const all = Array.from({ length: 10_000 }, () => [...same, changed]).flat();
    const began = performance.now();
    expect(hunksOf(all).filter((line) => line.startsWith('@@'))).toHaveLength(10_000);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('shows three lines around each change, and where they are', () => {
    const before = numbers(30);
    const after = [...before];
    after[5] = 'five';
    after.splice(8, 0, 'more');
    after.splice(25, 1);
    expect(hunksOf(diffLines(textOf(before), textOf(after)))).toEqual([
      '@@ -3 +3 @@',
      ...[' l2', ' l3', ' l4', '-l5', '+five', ' l6', ' l7', '+more', ' l8', ' l9', ' l10'],
      '@@ -22 +23 @@',
      ...[' l21', ' l22', ' l23', '-l24', ' l25', ' l26', ' l27'],
    ]);
  });
});
