import { objectKey, parseObjectKey } from './object-key.js';

describe('the key of an object', () => {
  it.each(['a', 'A-z_0.9', 'executions/7/log.txt', '...', 'a/.b', `${'a'.repeat(128)}/b`])(
    'is %s',
    (text) => expect(parseObjectKey(text)).toBe(text),
  );

  it.each([
    ['nothing', ''],
    ['absolute', '/a'],
    ['a folder', 'a/'],
    ['an empty segment', 'a//b'],
    ['this folder', 'a/./b'],
    ['the folder above', 'a/../../etc/passwd'],
    ['the folder above, alone', '..'],
    ['a backslash', 'a\\b'],
    ['a NUL', 'a\0b'],
    ['a line break at the end', 'a\n'],
    ['a space', 'a b'],
    ['a letter that is none of ASCII', 'ä'],
    ['escaped', 'a%2Fb'],
    ['what ends names in the stores', 'a!b'],
    ['a long segment', 'a'.repeat(129)],
    ['long', Array.from({ length: 257 }, () => 'a').join('/')],
  ])('is not %s', (_what, text) => {
    expect(parseObjectKey(text)).toBeUndefined();
    expect(() => objectKey(text)).toThrow(RangeError);
  });

  it('is made of segments, none of which holds a slash', () => {
    expect(objectKey('a', 'b.tar')).toBe('a/b.tar');
    expect(() => objectKey('a', 'b/c')).toThrow('"b/c"');
    expect(() => objectKey()).toThrow(RangeError);
    expect(() => objectKey(...Array.from({ length: 300 }, () => 'a'))).toThrow(RangeError);
  });
});
