import { artifactFilter, artifactPathProblem, artifactRoots } from './artifact-paths.js';

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

describe('which files are artifacts', () => {
  it.each([
    ['dist', ['dist', 'dist/app.js', 'dist/a/b/c'], ['dist2/a', 'a/dist', 'dis']],
    ['./dist//', ['dist/app.js'], ['a/dist/app.js']],
    ['dist/*.js', ['dist/a.js', 'dist/folder.js/x'], ['dist/a/b.js', 'dist/a.ts', 'a.js']],
    ['**/*.log', ['a.log', 'a/b/c.log'], ['a.txt', 'log']],
    ['**', ['a', '.hidden', 'a/.env'], ['.git/config', 'a/.git/HEAD', 'vendor/.git']],
    ['a/**', ['a/b', 'a/b/c'], ['a/.git/x', 'b/a/c']],
    ['.git/HEAD', ['.git/HEAD'], ['.git/config']],
    ['.git', ['.git/HEAD', '.git/a/b'], ['.github/x']],
    ['.gi?', [], ['.git/HEAD']],
    ['{a,b}/x', ['a/x', 'b/x/y'], ['c/x', 'a/y']],
    ['a?b', ['a1b'], ['a/b', 'ab']],
    ['a+(b).[c]', ['a+(b).[c]'], ['aab.c']],
  ])('%s', (pattern, kept, left) => {
    const isArtifact = artifactFilter([pattern]);
    expect(kept.filter((path) => !isArtifact(path))).toEqual([]);
    expect(left.filter(isArtifact)).toEqual([]);
  });

  it('are those of any pattern; a pattern that names .git opens it for no other', () => {
    const isArtifact = artifactFilter(['.git/HEAD', 'a/**']);
    expect(['.git/HEAD', 'a/b'].every(isArtifact)).toBe(true);
    expect(['.git/config', 'a/.git/x', 'b'].some(isArtifact)).toBe(false);
  });
});

describe('where artifacts are looked for', () => {
  it.each([
    [
      ['dist/**', 'dist/app.js', 'a/b*/c'],
      ['a', 'dist'],
    ],
    [['**/*.log', 'dist'], ['']],
    [
      ['a/b/c', 'a/b', 'a/bc'],
      ['a/b', 'a/bc'],
    ],
    [['{a,b}/x'], ['']],
    [['x/{a/b,c}/d'], ['x']],
    [['./a/', 'a'], ['a']],
    [[], []],
  ])('%j: %j', (patterns, roots) => expect(artifactRoots(patterns)).toEqual(roots));
});
