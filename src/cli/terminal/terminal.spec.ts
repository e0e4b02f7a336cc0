import { PassThrough } from 'node:stream';
import { isColoured, Terminal } from './terminal.js';

it.each([
  [true, {}, true],
  [true, { TERM: 'dumb' }, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { FORCE_COLOR: '0' }, false],
  [true, { FORCE_COLOR: 'false' }, false],
  [false, {}, false],
  [false, { FORCE_COLOR: '1' }, true],
  [false, { FORCE_COLOR: '3', TERM: 'dumb' }, true],
  [false, { FORCE_COLOR: '' }, false],
  [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
])('for people at a terminal: %s, with %j, colours are shown: %s', (isForPeople, env, expected) => {
  expect(isColoured(env, isForPeople)).toBe(expected);
});

it.each([
  [0, 'one two three\n'],
  [undefined, 'one two three\n'],
  [9, 'one two\n    three\n'],
])('a terminal of %s columns gets %j', (columns, expected) => {
  const [out, err] = [0, 1].map(() => Object.assign(new PassThrough(), { isTTY: true, columns }));
  const terminal = new Terminal(out, err, false);
  terminal.print('one two three');
  terminal.say('one two three');
  expect([String(out?.read()), String(err?.read())]).toEqual([expected, expected]);
  expect(terminal.columns).toBe(columns || undefined);
});
