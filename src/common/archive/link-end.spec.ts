import { type Found, linkEnd } from './link-end.js';

describe('where a link ends', () => {
  const tree = new Map<string, Found>([
    ['a', 'folder'],
    ['a/file', 'file'],
    ['a/b', 'folder'],
    ['a/up', { link: '..' }],
    ['a/loop', { link: 'loop' }],
    ['a/abs', { link: '/etc' }],
    ['a/deep', { link: 'b' }],
    ['top', { link: 'a/b' }],
    ['one', { link: 'two/' }],
    ['two', { link: 'top/../..' }],
  ]);
  const end = (path: string, target: string) =>
    linkEnd(path, target, (asked) => Promise.resolve(tree.get(asked)));

  it.each([
    ['a/x', 'file', 'inside'],
    ['a/x', './b/../file', 'inside'],
    ['a/x', '.', 'inside'],
    ['a/x', '..', 'inside'],
    ['a/b/x', '../../a/file', 'inside'],
    ['x', 'one/a/file', 'inside'],
    ['x', 'a/up/a/up/top', 'inside'],
    ['x', 'missing', 'dangling'],
    ['x', 'a/file/', 'dangling'],
    ['x', 'a/file/y', 'dangling'],
    ['x', 'a/loop', 'dangling'],
    ['x', 'missing/../missing', 'dangling'],
    ['x', '/a/file', 'outward'],
    ['x', '..', 'outward'],
    ['a/x', '../..', 'outward'],
    ['a/x', '../../workspace/a/file', 'outward'],
    ['x', 'missing/../../etc', 'outward'],
    ['x', 'a/abs/passwd', 'outward'],
    // By its text it would be `a`: what counts is where the link on the way leads.
    ['x', 'top/../../../y', 'outward'],
    ['x', 'a/up/../y', 'outward'],
    ['x', 'a/../'.repeat(600), 'outward'],
  ])('%s -> %s: %s', async (path, target, expected) => {
    expect(await end(path, target)).toBe(expected);
  });
});
