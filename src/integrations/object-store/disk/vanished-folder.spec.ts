import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { removeTree } from '../../../../test/support/remove-tree.js';
import { DiskBlobs } from './disk-blobs.js';
import type * as PlainFolders from './plain-folders.js';

/** Times that the folder is removed again between its making and its use. */
let vanishes = 0;

jest.mock('./plain-folders.js', () => {
  const actual = jest.requireActual<typeof PlainFolders>('./plain-folders.js');
  return {
    ...actual,
    makeFolders: async (root: string, path: string) => {
      await actual.makeFolders(root, path);
      if (vanishes === 0) return;
      vanishes -= 1;
      await rm(join(root, 'folder'), { recursive: true });
    },
  };
});

describe('a folder that a delete removes while a put uses it', () => {
  let root: string;
  beforeEach(async () => (root = await mkdtemp(join(tmpdir(), 'millrace-vanished-'))));
  afterEach(() => removeTree(root));

  const write = () => new DiskBlobs(root).write('folder/file', Readable.from([Buffer.from('x')]));

  it('is made again', async () => {
    vanishes = 4;
    await write();
    expect(vanishes).toBe(0);
    const { body } = await new DiskBlobs(root).read('folder/file');
    expect(Buffer.concat(await body.toArray()).toString()).toBe('x');
  });

  it('is not made for ever', async () => {
    vanishes = 100;
    await expect(write()).rejects.toMatchObject({ code: 'not_found' });
    expect(vanishes).toBe(95);
    vanishes = 0;
  });
});
