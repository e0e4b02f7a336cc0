import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitError } from './git-client.js';
import { checkoutTree, type TreeEntry } from './tree-checkout.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-tree-'));
  await mkdir(join(folder, 'work', '.git'), { recursive: true });
  await mkdir(join(folder, 'outside'));
});
afterEach(() => rm(folder, { recursive: true }));

const blob = (path: string, oid = 'f'): TreeEntry => ({ mode: '100644', path, oid });
const tree = (path: string, oid: string): TreeEntry => ({ mode: '040000', path, oid });
const link = (path: string, oid: string): TreeEntry => ({ mode: '120000', path, oid });

function checkout(trees: Record<string, readonly TreeEntry[]>, blobs: Record<string, string> = {}) {
  const source = {
    readTree: async (oid: string) => trees[oid] ?? [],
    readBlob: async (oid: string) => Buffer.from(blobs[oid] ?? 'content'),
  };
  return checkoutTree(source, 'root', join(folder, 'work'), () => undefined);
}

describe('a malicious tree writes nothing outside', () => {
  it.each(['..', '.', '', '.git', '.GIT', 'git~1', 'a/b', '../outside/x', '/etc/x', 'a\0b'])(
    'refuses the name %j',
    async (name) => {
      await expect(checkout({ root: [blob('ok'), blob(name)] })).rejects.toBeInstanceOf(GitError);
      await expect(checkout({ root: [tree(name, 't')], t: [] })).rejects.toBeInstanceOf(GitError);
      expect(await readdir(join(folder, 'work', '.git'))).toEqual([]);
    },
  );

  it('refuses a link and a folder of one name', async () => {
    const root = [link('a', 'l'), tree('a', 't')];
    await expect(
      checkout({ root, t: [blob('x')] }, { l: join(folder, 'outside') }),
    ).rejects.toMatchObject({ code: 'failed' });
    expect(await readdir(join(folder, 'outside'))).toEqual([]);
  });

  it('refuses folders that never end', async () => {
    await expect(checkout({ root: [tree('a', 'root')] })).rejects.toMatchObject({ code: 'failed' });
  });
});

it('makes links last, and leaves where they lead alone', async () => {
  await checkout({ root: [link('a', 'l'), blob('b')] }, { l: '../outside' });
  expect((await readdir(join(folder, 'work'))).sort()).toEqual(['.git', 'a', 'b']);
  expect(await readdir(join(folder, 'outside'))).toEqual([]);
  expect(await readFile(join(folder, 'work', 'b'), 'utf8')).toBe('content');
});
