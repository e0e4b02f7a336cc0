import { isColoured } from './terminal.js';

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
