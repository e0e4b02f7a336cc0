import { execFileSync } from 'node:child_process';
import { posixWord } from './posix-words.js';

describe('posixWord', () => {
  it.each([
    ...['', ' ', "'", "''", '"', '$(touch x)', '`id`', '\\', "\\'", 'a\nb', '-rf', '*', '~', '!!'],
    ...['$HOME', ';', '&', '|', '>x', '#', "'; echo injected; '", 'ä\u{1f600}', '\u0001\t\r'],
  ])('%j stays one word, as it is', (text) => {
    const command = `printf '%s\\0' ${posixWord(text)} end`;
    const said = execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
    expect(said).toBe(`${text}\0end\0`);
  });

  it('refuses what cannot be an argument', () => {
    expect(() => posixWord('a\0b')).toThrow(RangeError);
  });
});
