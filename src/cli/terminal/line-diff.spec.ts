import fc from 'fast-check';
import { diffLines, hunksOf } from './line-diff.js';

const numbers = (count: number): string[] => Array.from({ length: count }, (_, at) => `l${at}`);

describe('diffLines', () => {
  it('leads from one text to the other', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c')).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before, after);
        const of = (left: string): string =>
          lines.flatMap(({ kind, text: each }) => (kind === left ? [] : [each])).join('\n');
        expect([of('added'), of('removed')]).toEqual(
          [before, after].map((each) => each.replace(/\n$/, '')),
        );
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
    expect(hunksOf(diffLines('a\nb\n', 'a\nb'))).toEqual([]);
  });

  it('shows three lines around each change, and where they are', () => {
    const before = numbers(30);
    const after = [...before];
    after[5] = 'five';
    after.splice(8, 0, 'more');
    after.splice(25, 1);
    expect(hunksOf(diffLines(before.join('\n'), after.join('\n')))).toEqual([
      '@@ -3 +3 @@',
      ...[' l2', ' l3', ' l4', '-l5', '+five', ' l6', ' l7', '+more', ' l8', ' l9', ' l10'],
      '@@ -22 +23 @@',
      ...[' l21', ' l22', ' l23', '-l24', ' l25', ' l26', ' l27'],
    ]);
  });
});
