import { artifactPathProblem } from './artifact-paths.js';

describe('a path of artifacts', () => {
  it.each([
    'dist',
    './dist/',
    'dist/**',
    '**/*.log',
    '*',
    'a/{b,c}/?',
    '.cache',
    'a..b',
    '...',
    'x y',
  ])('may be %s', (pattern) => expect(artifactPathProblem(pattern)).toBeUndefined());

  it.each([
    '/etc/passwd',
    '~/x',
    'C:\\x',
    'c:/x',
    '\\\\server\\x',
    'a\\b',
    '..',
    '../x',
    'a/../../x',
    'a/../b',
    'a/..',
    '{..,a}/x',
    '{a,..}',
    '{a,b/../..}/x',
    '**/../x',
    '!dist',
    '.',
    './',
    '',
  ])('is not %s', (pattern) => expect(artifactPathProblem(pattern)?.[0]).toBe('invalid_path'));
});
