import { toldOnce } from './told-once.js';

const LONG = `the clone failed: ${'git said much, '.repeat(30)}and no more`;

it.each([
  [LONG, 'as above'],
  [LONG.slice('the clone failed: '.length), 'as above'],
  [`stage "main": ${LONG}`, 'stage "main": as above'],
  [`${LONG}; its stage continued`, 'as above; its stage continued'],
  [`stage "main": ${LONG.slice(0, 200)}…`, 'stage "main": as above'],
  [
    `step "a" of stage "b" failed: ${LONG.slice(0, 100)}…`,
    'step "a" of stage "b" failed: as above',
  ],
  ['exit code 1', 'exit code 1'],
  ['git said much', 'git said much'],
])('says once what is long: %s', (note, shown) => {
  expect(toldOnce(note, LONG, 'as above')).toBe(shown);
});

it('knows what was cut where it was told, and repeats what is short', () => {
  const cut = `${LONG.slice(0, 100)}…`;
  expect(toldOnce(`stage "x": ${LONG}`, cut, 'as below')).toBe('stage "x": as below');
  expect(toldOnce('exit code 1', 'exit code 1', 'as below')).toBe('exit code 1');
});
