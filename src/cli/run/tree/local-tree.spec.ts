import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseTree } from './local-tree.js';

describe('chooseTree', () => {
  const repository = { url: 'https://u:t0ken@example.com/acme/shop' };
  let root: string;
  let lines: string[];

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'local-tree-')));
    lines = [];
    const env = { PATH: process.env['PATH'], HOME: root };
    const git = (...args: readonly string[]): void =>
      void execFileSync('git', args, { cwd: root, env });
    git('init', '--quiet');
    git('remote', 'add', 'origin', 'git@work:acme/shop.git');
    mkdirSync(join(root, 'below'));
    jest.spyOn(process, 'cwd').mockReturnValue(join(root, 'below'));
  });
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(root, { recursive: true });
  });

  const choose = (named?: string | false, plan = {}) =>
    chooseTree(named, plan, (line) => lines.push(line));

  it('is the checkout here, and says where it is not', async () => {
    expect(await choose()).toMatchObject({ folder: root });
    expect(await choose(false, { repository })).toBeUndefined();
    expect(lines).toEqual([]);
    expect(await choose(undefined, { repository })).toBeUndefined();
    expect(lines).toEqual([
      'The files here are not used: the pipeline clones https://***@example.com/acme/shop; --dir . runs them.',
    ]);
  });

  it('says that there is no git program', async () => {
    jest.replaceProperty(process, 'env', { PATH: join(root, 'nowhere') });
    expect(await choose()).toBeUndefined();
    expect(lines).toEqual(['There is no git program here: the files here are not used.']);
    await expect(choose(root)).rejects.toThrow('There is no git program here; --dir needs it.');
  });
});
