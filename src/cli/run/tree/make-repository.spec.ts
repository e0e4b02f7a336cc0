import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findCheckout, type GitCheckout } from './git-checkout.js';
import { gitIn } from '../../../../test/support/git-in.js';
import { makeRepository } from './make-repository.js';

describe('makeRepository', () => {
  let outer: string;
  let root: string;
  let copy: string;

  const git = (where: string, ...args: readonly string[]): string => gitIn(outer, where, ...args);

  beforeEach(() => {
    outer = mkdtempSync(join(tmpdir(), 'make-repository-'));
    [root, copy] = [join(outer, 'root'), join(outer, 'copy')];
    for (const folder of [root, copy]) {
      mkdirSync(folder);
      writeFileSync(join(folder, 'file'), 'text');
    }
    git(root, 'init', '--quiet', '--initial-branch=trunk');
    git(root, 'add', '.');
    git(root, 'commit', '--quiet', '-m', 'one');
  });
  afterEach(() => rmSync(outer, { recursive: true }));

  const make = async (): Promise<void> => {
    const checkout = (await findCheckout(root)) as GitCheckout;
    const { signal } = new AbortController();
    expect(await makeRepository(copy, checkout, 1, signal)).toBeUndefined();
  };

  it('has the branch follow that of origin, as a clone has it', async () => {
    git(root, 'remote', 'add', 'origin', 'https://example.com/shop.git');
    await make();
    const config = git(copy, 'config', '--list');
    expect(config).toContain('remote.origin.fetch=+refs/heads/*:refs/remotes/origin/*\n');
    expect(config).toContain('branch.trunk.remote=origin\nbranch.trunk.merge=refs/heads/trunk\n');
  });

  it('shows no changes that nobody made', async () => {
    writeFileSync(join(root, 'absent'), '');
    writeFileSync(join(copy, 'file'), 'text\r\n');
    writeFileSync(join(root, 'file'), 'text\n');
    git(root, 'add', '.');
    git(root, 'commit', '--quiet', '-m', 'two');
    git(root, 'config', 'core.autocrlf', 'true');
    git(root, 'config', 'core.filemode', 'false');
    git(root, 'update-index', '--skip-worktree', 'absent');
    chmodSync(join(copy, 'file'), 0o755);
    await make();
    expect(git(copy, 'status', '--porcelain')).toBe('');
  });

  it.each([
    ['https://me:t0ken@example.com/shop.git', 'https://example.com/shop.git'],
    ['https://t0ken@example.com/shop.git', 'https://example.com/shop.git'],
    ['ssh://deploy:t0ken@example.com/shop.git', 'ssh://deploy@example.com/shop.git'],
    ['ssh://deploy@example.com/shop.git', 'ssh://deploy@example.com/shop.git'],
    ['git@example.com:acme/shop.git', 'git@example.com:acme/shop.git'],
    ['https://example.com/shop.git', 'https://example.com/shop.git'],
  ])('has of the origin %s no credentials: %s', async (origin, plain) => {
    git(root, 'remote', 'add', 'origin', origin);
    await make();
    expect(git(copy, 'remote', 'get-url', 'origin').trim()).toBe(plain);
    expect(readFileSync(join(copy, '.git/config'), 'utf8')).not.toContain('t0ken');
  });
});
