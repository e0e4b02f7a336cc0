import { SourceText } from './source-text.js';

const found = (source: SourceText, pattern: RegExp): readonly unknown[] =>
  [...source.matches(pattern)].map(({ match, line }) => [
    line,
    source.textAt(match.index + match[0].length),
  ]);

describe('the text of a source', () => {
  it.each([
    ['hash', "# gem 'rails'\ngem 'puma'\nx = \"gem 'no'\"\n  gem \"rack\" # gem 'z'\n"],
    ['python', "'''\ngem 'rails'\n'''\n\ngem 'puma'\n#\n\ngem 'rack'"],
    ['c', "/* gem 'rails' */\n// gem 'x'\ngem 'puma' /*\n*/\n\n\ngem 'rack'"],
  ] as const)('has what stands in code, and neither comments nor texts: %s', (lexis, text) => {
    const source = new SourceText(text, lexis);
    expect(found(source, /^[ \t]*gem +/gm).map((one) => (one as unknown[])[1])).toEqual([
      'puma',
      'rack',
    ]);
    expect(source.bare).toHaveLength(text.length);
    expect(source.code).toHaveLength(text.length);
  });

  it('tells lines, and the text as it was written', () => {
    const source = new SourceText('\n\nuse "a # b"\n\nuse "c\\"d"\n', 'hash');
    expect(found(source, /^use /gm)).toEqual([
      [3, 'a # b'],
      [5, 'c\\"d'],
    ]);
  });

  it('ends a text that is not closed with its line', () => {
    const source = new SourceText('a = "x\nuse "b"', 'hash');
    expect(found(source, /^use /gm)).toEqual([[2, 'b']]);
  });

  it('takes no end of a pattern for a comment', () => {
    const source = new SourceText('a: [/^https?:\\/\\//], use "b" // use "c"\n', 'c');
    expect(found(source, /\buse /g)).toEqual([[1, 'b']]);
  });

  it('takes a long file in linear time', () => {
    const source = new SourceText('"'.repeat(200_001), 'python');
    expect(source.bare).toHaveLength(200_001);
  });
});
