import { ownTime } from '../../../../test/support/own-time.js';
import { expandBraces } from './braces.js';
import { GlobError } from './glob-error.js';
import { Globs } from './globs.js';
import { nameGlob } from './name-glob.js';

const matching = (globs: string | readonly string[], paths: readonly string[]): string[] => {
  const all = new Globs(typeof globs === 'string' ? [globs] : globs);
  return paths.filter((path) => all.matches(path));
};

describe('globs of paths', () => {
  const paths = [
    'a.js',
    'a.ts',
    '.env',
    'src/a.js',
    'src/lib/b.js',
    'src/lib/.hidden/c.js',
    'src/[x].js',
  ];

  it.each<[string, string[]]>([
    ['a.js', ['a.js']],
    ['./a.js', ['a.js']],
    ['*.js', ['a.js']],
    ['?.ts', ['a.ts']],
    ['[a-c].[!j]s', ['a.ts']],
    ['a.[^t]s', ['a.js']],
    ['*', paths],
    ['**', paths],
    ['.', paths],
    ['.*', ['.env']],
    ['**/*.js', paths.filter((path) => path.endsWith('.js'))],
    ['**/b.js', ['src/lib/b.js']],
    ['src/**/b.js', ['src/lib/b.js']],
    ['src/**/**/a.js', ['src/a.js']],
    ['src', paths.slice(3)],
    ['src/', paths.slice(3)],
    ['src/**', paths.slice(3)],
    ['src/*', paths.slice(3)],
    ['src/*.js', ['src/a.js', 'src/[x].js']],
    ['a.js/', []],
    ['a.js/**', []],
    ['s*c/l?b/{b,z}.js', ['src/lib/b.js']],
    ['{a.ts,src/lib}', ['a.ts', 'src/lib/b.js', 'src/lib/.hidden/c.js']],
    ['{src/{a,lib/b},x}.js', ['src/a.js', 'src/lib/b.js']],
    ['src/\\[x\\].js', ['src/[x].js']],
    ['src/[[]x].js', ['src/[x].js']],
    ['src/{', []],
    ['{a.ts,}', ['a.ts']],
    ['A.js', []],
  ])('%s', (glob, expected) => {
    expect(matching(glob, paths)).toEqual(expected);
  });

  it('an exclusion counts wherever it stands, for all that is below', () => {
    expect(matching(['!src/lib', 'src'], paths)).toEqual(['src/a.js', 'src/[x].js']);
    expect(matching(['src', '!**/*.js'], paths)).toEqual([]);
    expect(matching(['**', '!src/lib/**', 'src/lib/b.js'], paths)).not.toContain('src/lib/b.js');
    expect(matching(['\\!a'], ['!a', 'a'])).toEqual(['!a']);
  });

  it('.git is in none, unless its name is written', () => {
    const git = ['.git/config', '.gitignore', 'sub/.git/config', 'sub/.git', 'sub/x'];
    expect(matching('**', git)).toEqual(['.gitignore', 'sub/x']);
    expect(matching(['*', '.g*', '?git', 'sub', '**/config', '*/config'], git)).toEqual([
      '.gitignore',
      'sub/x',
    ]);
    expect(matching('.git', git)).toEqual(['.git/config']);
    expect(matching('**/.git', git)).toEqual(['.git/config', 'sub/.git/config', 'sub/.git']);
    expect(matching(['**/.git', '!**/config'], git)).toEqual(['sub/.git']);
  });

  it('tells which globs have fitted nothing, of alternatives all together', () => {
    const walk = new Globs(['a', 'b/*.{x,y}', 'c', '!d', 'a/e']).start();
    const { folder } = walk.enter(walk.top, 'a', true);
    expect(folder && walk.enter(folder, 'e', false).isIncluded).toBe(true);
    const b = walk.enter(walk.top, 'b', true).folder;
    expect(walk.unmatched()).toEqual(['b/*.{x,y}', 'c']);
    expect(b && walk.enter(b, 'f.y', false).isIncluded).toBe(true);
    expect(walk.unmatched()).toEqual(['c']);
  });

  it('leads into no folder in which nothing can fit', () => {
    const walk = new Globs(['dist/**', '!dist/tmp', '!x/**']).start();
    expect(walk.enter(walk.top, 'node_modules', true).folder).toBeUndefined();
    expect(walk.enter(walk.top, 'x', true).folder).toBeUndefined();
    const dist = walk.enter(walk.top, 'dist', true).folder;
    expect(dist && walk.enter(dist, 'tmp', true).folder).toBeUndefined();
    expect(dist && walk.enter(dist, 'lib', true).folder).toBeDefined();
  });

  it.each([
    ['', 'empty'],
    ['!', 'empty'],
    ['/etc/*', 'relative'],
    ['a/../../b', '".."'],
    ['{a,/b}', 'relative'],
    ['[[:alpha:]]', 'classes'],
    ['a\0', 'NUL'],
    ['!a', 'No glob'],
    ['x'.repeat(501), 'characters'],
    ['{a,b}'.repeat(10), 'braces'],
  ])('refuses %j', (glob, message) => {
    expect(() => new Globs([glob])).toThrow(GlobError);
    expect(() => new Globs([glob])).toThrow(message);
  });

  it('no pattern takes long for any name', () => {
    const long = 'a'.repeat(4000);
    const took = ownTime(() => {
      expect(nameGlob(`${'a*'.repeat(200)}b`).matches(long)).toBe(false);
      expect(nameGlob(`${'*a?'.repeat(150)}b`).matches(long)).toBe(false);
      expect(matching(`${'**/'.repeat(100)}b`, ['a/'.repeat(1000)])).toEqual([]);
      expect(matching(`${'**/a/'.repeat(50)}b`, ['a/'.repeat(1000)])).toEqual([]);
      expect(() => expandBraces('{'.repeat(500))).not.toThrow();
      expect(() => expandBraces('{a,'.repeat(160))).not.toThrow();
    });
    // It is some hundredths of a second; backtracking would take longer than the universe.
    expect(took).toBeLessThan(1_000);
  });
});
