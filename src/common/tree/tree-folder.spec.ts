import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TreeFolder } from './tree-folder.js';

describe('a folder of a tree that strangers write', () => {
  let root: string;
  let folder: TreeFolder;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'millrace-tree-folder-'));
    folder = await TreeFolder.open(root);
  });
  afterEach(async () => {
    await folder.close();
    await rm(root, { recursive: true });
  });

  it('opens a FIFO that has become of a file, and waits for no writer', async () => {
    const path = join(root, 'fifo');
    execFileSync('mkfifo', [path]);
    const opened = folder.file('fifo').then((file) => file.close());
    const timer = new AbortController();
    const isOpen = await Promise.race([
      opened.then(() => true),
      delay(2_000, false, { signal: timer.signal }),
    ]);
    timer.abort();
    // Where it waited, a writer lets it go.
    if (!isOpen) await (await open(path, constants.O_RDWR)).close();
    await opened;
    expect(isOpen).toBe(true);
  });

  it('opens no link, of a file or of a folder', async () => {
    await writeFile(join(root, 'file'), 'x');
    await symlink('file', join(root, 'to-file'));
    await symlink('.', join(root, 'to-folder'));
    await expect(folder.file('to-file')).rejects.toMatchObject({ code: 'ELOOP' });
    await expect(folder.folder('to-folder')).rejects.toMatchObject({ code: 'ENOTDIR' });
    expect((await folder.link('to-file')).toString()).toBe('file');
  });

  it('says that it has more names than asked for', async () => {
    for (const name of ['b', 'a', 'c']) await writeFile(join(root, name), '');
    expect((await folder.entries(3))?.map(({ name }) => name.toString())).toEqual(['a', 'b', 'c']);
    expect(await folder.entries(2)).toBeUndefined();
  });
});
