import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RawTreeEntry, tree as rawTree } from '../../../test/support/hostile-remote.js';
import { GitError } from './git-client.js';
import { checkoutTree } from './tree-checkout.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-tree-'));
  await mkdir(join(folder, 'work', '.git'), { recursive: true });
  await mkdir(join(folder, 'outside'));
});
afterEach(() => rm(folder, { recursive: true }));

const sha = (name: string): string => Buffer.from(name.padEnd(20)).toString('hex');
const blob = (name: string): RawTreeEntry => ({ mode: '100644', name, sha: sha('f') });
const tree = (name: string, of: string): RawTreeEntry => ({ mode: '40000', name, sha: sha(of) });
const link = (name: string, of: string): RawTreeEntry => ({ mode: '120000', name, sha: sha(of) });

function checkout(
  trees: Record<string, readonly RawTreeEntry[]>,
  blobs: Record<string, string> = {},
) {
  const named = (oid: string): string => Buffer.from(oid, 'hex').toString().trim();
  const source = {
    readTree: async (oid: string) => rawTree(...(trees[named(oid)] ?? [])).content,
    readBlob: async (oid: string) => Buffer.from(blobs[named(oid)] ?? 'content'),
  };
  return checkoutTree(source, sha('root'), join(folder, 'work'), () => undefined);
}

describe('a malicious tree writes nothing outside', () => {
  it.each(['..', '.', '', '.git', '.GIT', 'git~1', 'a/b', '../outside/x', '/etc/x'])(
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

  it.each(['', '100644', '100644 name', '100644 name\0short'])(
    'refuses a tree that breaks off behind %j',
    async (end) => {
      const whole = rawTree(blob('a')).content;
      const source = {
        readTree: async () => Buffer.concat([whole, Buffer.from(end)]),
        readBlob: async () => Buffer.from('content'),
      };
      const made = checkoutTree(source, sha('root'), join(folder, 'work'), () => undefined);
      if (end === '') await made;
      else await expect(made).rejects.toMatchObject({ code: 'failed' });
    },
  );

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
