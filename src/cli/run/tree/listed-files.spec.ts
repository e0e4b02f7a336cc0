import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCheckout, type GitCheckout } from './git-checkout.js';
import { gitIn } from '../../../../test/support/git-in.js';
import { listFiles } from './listed-files.js';
import { copyTree } from './local-tree.js';

describe('submodules of a tree', () => {
  const { signal } = new AbortController();
  let outer: string;
  let root: string;
  let copy: string;

  const git = (where: string, ...args: readonly string[]): string => gitIn(outer, where, ...args);
  /** A repository of one file. */
  const repository = (folder: string): void => {
    mkdirSync(folder, { recursive: true });
    git(folder, 'init', '--quiet');
    writeFileSync(join(folder, 'code'), 'code');
    git(folder, 'add', '.');
    git(folder, 'commit', '--quiet', '-m', 'one');
  };
  beforeEach(() => {
    outer = mkdtempSync(join(tmpdir(), 'listed-files-'));
    [root, copy] = [join(outer, 'root'), join(outer, 'copy')];
    mkdirSync(copy);
    repository(root);
    repository(join(root, 'libs/lib/inner'));
    // A repository in another one becomes a submodule of it.
    repository(join(root, 'libs/lib'));
    git(root, 'add', '.');
    git(root, 'commit', '--quiet', '-m', 'two');
  });
  afterEach(() => rmSync(outer, { recursive: true }));

  it.each([
    [false, ['code'], ['libs/lib']],
    [true, ['code', 'libs/lib/code'], ['libs/lib/inner']],
    ['recursive', ['code', 'libs/lib/code', 'libs/lib/inner/code'], []],
  ] as const)('are listed as they are asked for: %s', async (wanted, paths, submodules) => {
    const listed = await listFiles(root, wanted, signal);
    expect([[...listed.paths].sort(), listed.submodules]).toEqual([paths, submodules]);
  });

  it('are empty folders otherwise, which is no change', async () => {
    const checkout = (await findCheckout(root)) as GitCheckout;
    const tree = { folder: root, checkout };
    const copied = await copyTree(tree, copy, { depth: 1, submodules: false }, 1_000, signal);
    expect([copied.noRepository, copied.submodules]).toEqual([undefined, ['libs/lib']]);
    expect(readdirSync(join(copy, 'libs/lib'))).toEqual([]);
    expect(git(copy, 'status', '--porcelain')).toBe('');
  });

  it('are made through no link', async () => {
    const checkout = (await findCheckout(root)) as GitCheckout;
    rmSync(join(root, 'libs'), { recursive: true });
    mkdirSync(join(outer, 'outside'));
    symlinkSync('../outside', join(root, 'libs'));
    const tree = { folder: root, checkout };
    await copyTree(tree, copy, { depth: 1, submodules: false }, 1_000, signal);
    expect(readdirSync(join(outer, 'outside'))).toEqual([]);
  });
});
