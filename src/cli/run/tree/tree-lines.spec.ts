import { treeLines } from './tree-lines.js';

describe('treeLines', () => {
  const checkout = { root: '/t', branch: 'main', commit: 'c'.repeat(40), remotes: [] };

  it('tells what is not in the copy, and what may be torn in it', () => {
    const lines = treeLines(
      { folder: '/t', checkout: { ...checkout, isChanged: true } },
      {
        ...{
          files: 2,
          bytes: 3,
          others: ['nested/'],
          submodules: ['lib'],
          noRepository: 'it is a part',
        },
        leftOut: { listed: [{ path: 'pipe', reason: 'special_file' }], unlisted: 1 },
        changing: { listed: [{ path: 'log', reason: 'changing' }], unlisted: 0 },
      },
    );
    expect(lines).toEqual([
      'Tree: /t (branch main, cccccccc, with what is not committed), 2 files, 3 B',
      'Left out: pipe (special_file), and 1 more',
      'Copied while it changed: log',
      'Submodules, left out: lib',
      'Other checkouts in it, left out: nested/',
      'Without .git: it is a part',
    ]);
  });
});
