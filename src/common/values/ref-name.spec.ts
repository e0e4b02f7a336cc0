import fc from 'fast-check';
import { ASKED_REF_NAME, isRefName } from './ref-name.js';

describe('the name of a branch or tag', () => {
  it.each([
    'main',
    'feature/a-b_c',
    'v1.2.0',
    'a@b',
    'é',
    '$(id)',
    "a'b",
    'a.lock.b',
    'x'.repeat(255),
  ])('is taken: %s', (name) => {
    expect(isRefName(name)).toBe(true);
    expect(ASKED_REF_NAME.test(name)).toBe(true);
  });

  it.each([
    '',
    '@',
    '-x',
    '/a',
    'a/',
    'a//b',
    '.a',
    'a/.b',
    'a.',
    'a..b',
    '..',
    'a.lock',
    'a.lock/b',
    '@{x}',
    'a b',
    'a~b',
    'a^b',
    'a:b',
    'a?',
    'a*',
    'a[b',
    'a\\b',
    'a\nb',
    'a\0b',
    'a\x7fb',
  ])('is refused: %j', (name) => {
    expect(isRefName(name)).toBe(false);
    expect(ASKED_REF_NAME.test(name)).toBe(false);
  });

  it('may be asked for only where git takes it', () => {
    const piece = fc.constantFrom(
      ...'a/.@{-~^:?*[ '.split(''),
      '\\',
      '.lock',
      '..',
      'é',
      '\u0085',
      '\u00a0',
    );
    const name = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(name, (text) => {
        const hasBlank = /[\s\p{Cc}]/u.test(text);
        expect(ASKED_REF_NAME.test(text)).toBe(isRefName(text) && !hasBlank);
      }),
    );
  });
});
