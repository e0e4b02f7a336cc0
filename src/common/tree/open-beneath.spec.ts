import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBeneath } from './open-beneath.js';
import { TreeFolder } from './tree-folder.js';

describe('openBeneath', () => {
  let outer: string;
  let root: string;

  beforeEach(() => {
    outer = mkdtempSync(join(tmpdir(), 'beneath-'));
    root = join(outer, 'tree');
    mkdirSync(join(root, 'a/b'), { recursive: true });
    mkdirSync(join(outer, 'secret'));
    writeFileSync(join(root, 'a/b/here'), '');
    writeFileSync(join(outer, 'secret/stolen'), '');
    symlinkSync('a', join(root, 'in'));
    symlinkSync('../a/./b', join(root, 'a/up'));
    symlinkSync('../../secret', join(root, 'a/out'));
    symlinkSync(join(outer, 'secret'), join(root, 'absolute'));
    symlinkSync(root, join(root, 'itself'));
    symlinkSync('round', join(root, 'round'));
    symlinkSync('nothing', join(root, 'dangling'));
  });
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(outer, { recursive: true });
  });

  const namesIn = async (path: string): Promise<readonly string[] | string> => {
    const before = readdirSync('/proc/self/fd').length;
    const found = await openBeneath(root, path);
    if (found.kind !== 'folder') {
      expect(readdirSync('/proc/self/fd')).toHaveLength(before);
      return found.kind;
    }
    const names = (await found.folder.entries(100))?.map(({ name }) => name.toString()) ?? [];
    await found.folder.close();
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
    return names;
  };

  it.each(['a/b', './a//b/', 'in/b', 'a/up', 'in/up', 'a/b/../b', 'in/../a/b'])(
    '%s is inside',
    async (path) => expect(await namesIn(path)).toEqual(['here']),
  );

  it.each(['..', 'a/../..', 'a/out', 'in/out', 'absolute', 'itself', '/a', '/', 'a/../../tree/a'])(
    '%s is outside',
    async (path) => expect(await namesIn(path)).toBe('outside'),
  );

  it.each(['nothing', 'a/b/here', 'round', 'dangling', 'a/b/here/x', 'x'.repeat(300)])(
    '%s is missing',
    async (path) => expect(await namesIn(path)).toBe('missing'),
  );

  it('stays inside while a folder becomes a link under it', async () => {
    const { folder } = TreeFolder.prototype;
    jest.spyOn(TreeFolder.prototype, 'folder').mockImplementation(async function (
      this: TreeFolder,
      name,
    ) {
      const opened = await folder.call(this, name);
      if (name === 'a') {
        renameSync(join(root, 'a'), join(root, 'moved'));
        mkdirSync(join(outer, 'secret/b'), { recursive: true });
        writeFileSync(join(outer, 'secret/b/stolen'), '');
        symlinkSync('../secret', join(root, 'a'));
      }
      return opened;
    });
    expect(await namesIn('a/b')).toEqual(['here']);
  });
});
