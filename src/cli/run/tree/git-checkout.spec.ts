import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCheckout, isOf } from './git-checkout.js';
import { gitIn } from '../../../../test/support/git-in.js';

describe('findCheckout', () => {
  let root: string;

  const git = (where: string, ...args: readonly string[]): string => gitIn(root, where, ...args);

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'git-checkout-')));
    git(root, 'init', '--quiet', '--initial-branch=main');
    git(root, 'commit', '--quiet', '--allow-empty', '-m', 'one');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('tells the branch by its own name, beside a tag of the same name', async () => {
    git(root, 'tag', 'main');
    expect(await findCheckout(root)).toMatchObject({ root, branch: 'main', isChanged: false });
    git(root, 'checkout', '--quiet', '--detach');
    expect(await findCheckout(root)).toMatchObject({ branch: undefined });
  });

  it('tells remotes as git uses them, origin first', async () => {
    git(root, 'remote', 'add', 'a', '/srv/a');
    git(root, 'remote', 'add', 'origin', 'work:acme/shop.git');
    git(root, 'config', 'url.https://example.com/.insteadOf', 'work:');
    const remotes = ['https://example.com/acme/shop.git', '/srv/a'];
    expect(await findCheckout(root)).toMatchObject({ remotes });
  });

  it('reads a checkout with a broken submodule', async () => {
    const commit = git(root, 'rev-parse', 'HEAD').trim();
    mkdirSync(join(root, 'lib'));
    writeFileSync(join(root, 'lib/.git'), 'gitdir: ../nowhere\n');
    git(root, 'update-index', '--add', '--cacheinfo', `160000,${commit},lib`);
    writeFileSync(join(root, 'new'), '');
    expect(() => git(root, 'status')).toThrow('not a git repository');
    expect(await findCheckout(root)).toMatchObject({ branch: 'main', isChanged: true });
  });
});

describe('isOf', () => {
  it.each([
    ['https://example.com/acme/shop.git', 'git@example.com:acme/shop.git', true],
    ['https://example.com/acme/shop', 'https://u:p@example.com/acme/shop.git/', true],
    ['https://example.com/acme/shop', 'ssh://git@example.com/acme/shop', true],
    ['https://example.com/acme/shop', 'https://example.com/acme/other', false],
    ['https://example.com/acme/shop', '/srv/git/shop', false],
    ['${{ inputs.url }}', 'https://example.com/acme/shop', false],
  ])('%s and the remote %s: %p', (url, remote, same) => {
    expect(isOf(url, { remotes: ['https://elsewhere.example/x', remote] })).toBe(same);
  });
});
