import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DiskTree } from './disk-tree.js';
import { MemoryTree } from './memory-tree.fixture.js';
import { MAX_FILE_BYTES, type ProjectTree } from './project-tree.js';

const FILES = { 'b.txt': 'b', a: '', 'x/y/z.txt': 'deep\n', 'x/é': 'é' } as const;

async function onDisk(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'millrace-project-tree-'));
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

describe.each(['disk', 'memory'])('the files of a project: %s', (kind) => {
  let root: string;
  let tree: ProjectTree;

  beforeEach(async () => {
    root = await onDisk();
    tree = kind === 'disk' ? new DiskTree(root) : new MemoryTree(FILES);
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  it('lists files and folders by name', async () => {
    expect(await tree.list('')).toEqual([
      { name: 'a', kind: 'file' },
      { name: 'b.txt', kind: 'file' },
      { name: 'x', kind: 'folder' },
    ]);
    expect(await tree.list('x')).toEqual([
      { name: 'y', kind: 'folder' },
      { name: 'é', kind: 'file' },
    ]);
    expect(await tree.list('x/none')).toBeUndefined();
    expect(await tree.list('a')).toBeUndefined();
  });

  it('reads texts', async () => {
    expect(await tree.read('x/y/z.txt')).toBe('deep\n');
    expect(await tree.read('x/é')).toBe('é');
    expect(await tree.read('a')).toBe('');
    for (const path of ['none', 'x', 'x/y', 'a/b', ''])
      expect(await tree.read(path)).toBeUndefined();
  });
});

describe('a folder of the disk', () => {
  let root: string;
  let outside: string;
  let tree: DiskTree;

  beforeEach(async () => {
    [root, outside] = [await onDisk(), await onDisk()];
    tree = new DiskTree(root);
  });
  afterEach(async () => {
    for (const folder of [root, outside]) await rm(folder, { recursive: true });
  });

  it('follows no link: out of it, round, or inside', async () => {
    await symlink(join(outside, 'b.txt'), join(root, 'link.txt'));
    await symlink(outside, join(root, 'out'));
    await symlink('.', join(root, 'round'));
    expect((await tree.list(''))?.map(({ name }) => name)).toEqual(['a', 'b.txt', 'x']);
    for (const path of ['link.txt', 'out/b.txt', 'round/b.txt']) {
      expect(await tree.read(path)).toBeUndefined();
    }
    expect(await tree.list('round')).toBeUndefined();
    await expect(tree.read('../x')).rejects.toThrow('leads out');
  });

  it('says of a folder that it has too many names, rather than none', async () => {
    const few = new DiskTree(root, 2);
    await expect(few.list('')).rejects.toThrow('more than');
    expect(await few.list('x')).toHaveLength(2);
  });

  it('reads neither what is too large, nor what is no text, nor what is no file', async () => {
    await writeFile(join(root, 'full'), 'x'.repeat(MAX_FILE_BYTES));
    await writeFile(join(root, 'large'), 'x'.repeat(MAX_FILE_BYTES + 1));
    await writeFile(join(root, 'bytes'), Buffer.from([0xff, 0xfe]));
    await writeFile(join(root, 'marked'), Buffer.from('\uFEFFtext'));
    execFileSync('mkfifo', [join(root, 'fifo')]);
    expect((await tree.read('full'))?.length).toBe(MAX_FILE_BYTES);
    expect(await tree.read('marked')).toBe('text');
    for (const path of ['large', 'bytes', 'fifo']) expect(await tree.read(path)).toBeUndefined();
  });
});
