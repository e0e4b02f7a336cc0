import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LeftOuts } from '../../../common/tree/left-out.js';
import { TreeFolder } from '../../../common/tree/tree-folder.js';
import { copyFiles, type CopyLimits } from './copy-files.js';

const ENOUGH: CopyLimits = { maxBytes: 1_000, maxFiles: 100 };

describe('copyFiles', () => {
  let outer: string;
  let from: string;
  let to: string;
  let leftOut: LeftOuts;

  beforeEach(() => {
    outer = mkdtempSync(join(tmpdir(), 'copy-files-'));
    from = join(outer, 'from');
    to = join(outer, 'to');
    leftOut = new LeftOuts();
    for (const folder of [from, to, join(from, 'a/b'), join(outer, 'outside')]) {
      mkdirSync(folder, { recursive: true });
    }
    writeFileSync(join(outer, 'outside/secret'), 'secret');
    writeFileSync(join(from, 'a/b/file'), 'text');
  });
  afterEach(() => {
    jest.restoreAllMocks();
    rmSync(outer, { recursive: true });
  });

  const copy = (paths: readonly string[], limits = ENOUGH, signal = new AbortController().signal) =>
    copyFiles(from, paths, to, limits, leftOut, signal);

  it('copies what is named and nothing else, and whether it can be run', async () => {
    writeFileSync(join(from, 'tool'), 'run me');
    chmodSync(join(from, 'tool'), 0o4711);
    writeFileSync(join(from, 'not named'), '');
    writeFileSync(join(from, 'two\nlines'), '');
    expect(await copy(['a/b/file', 'tool', 'two\nlines'])).toMatchObject({ files: 3, bytes: 10 });
    expect(readFileSync(join(to, 'a/b/file'), 'utf8')).toBe('text');
    expect(lstatSync(join(to, 'tool')).mode & 0o7777).toBe(0o755);
    expect(lstatSync(join(to, 'a/b/file')).mode & 0o7777).toBe(0o644);
    expect([existsSync(join(to, 'not named')), existsSync(join(to, 'two\nlines'))]).toEqual([
      false,
      true,
    ]);
  });

  it('follows no link: one becomes a link, and nothing is behind one', async () => {
    symlinkSync('../outside/secret', join(from, 'out'));
    symlinkSync('../outside', join(from, 'folder'));
    mkdirSync(join(from, '.git'));
    writeFileSync(join(from, '.git/config'), '');
    await copy([
      'out',
      'folder',
      'folder/secret',
      '../outside/secret',
      '/etc/passwd',
      '.git/config',
    ]);
    expect(readlinkSync(join(to, 'out'))).toBe('../outside/secret');
    expect(readlinkSync(join(to, 'folder'))).toBe('../outside');
    expect(existsSync(join(to, '.git'))).toBe(false);
    expect(leftOut.list().listed).toEqual([]);
  });

  it('copies what is written to each time, and tells so', async () => {
    const { file } = TreeFolder.prototype;
    jest.spyOn(TreeFolder.prototype, 'file').mockImplementation(async function (
      this: TreeFolder,
      name,
    ) {
      const opened = await file.call(this, name);
      let times = 0;
      const stat = async () => Object.assign(await opened.stat(), { mtimeMs: (times += 1) });
      return new Proxy(opened, {
        get: (target, key) =>
          key === 'stat' ? stat : (Reflect.get(target, key, target) as () => unknown),
      });
    });
    const { changing } = await copy(['a/b/file']);
    expect(changing.listed).toEqual([{ path: 'a/b/file', reason: 'changing' }]);
    expect(readFileSync(join(to, 'a/b/file'), 'utf8')).toBe('text');
    expect(leftOut.list().listed).toEqual([]);
  });

  it('stays inside while a folder becomes a link under it', async () => {
    const { folder } = TreeFolder.prototype;
    jest.spyOn(TreeFolder.prototype, 'folder').mockImplementation(async function (
      this: TreeFolder,
      name,
    ) {
      if (name === 'a') {
        renameSync(join(from, 'a'), join(from, 'moved'));
        symlinkSync('../outside', join(from, 'a'));
      }
      return await folder.call(this, name);
    });
    await copy(['a/b/file', 'a/secret']);
    expect(readlinkSync(join(to, 'a'))).toBe('../outside');
  });

  it('takes what is gone for not there, and what has become a folder', async () => {
    mkdirSync(join(from, 'was-a-file'));
    expect(await copy(['gone', 'gone/too', 'a/b/file/x', 'was-a-file'])).toMatchObject({
      bytes: 4,
    });
    expect(leftOut.list().listed).toEqual([]);
    expect(existsSync(join(to, 'gone'))).toBe(false);
  });

  it('keeps nothing of a file that it was told of as a folder but the file itself', async () => {
    await copy(['a/b/file/x']);
    expect(readFileSync(join(to, 'a/b/file'), 'utf8')).toBe('text');
  });

  it('has limits', async () => {
    writeFileSync(join(from, 'other'), 'more');
    const both = ['a/b/file', 'other'];
    await expect(copy(both, { maxBytes: 7, maxFiles: 9 })).rejects.toMatchObject({ what: 'bytes' });
    rmSync(to, { recursive: true });
    mkdirSync(to);
    await expect(copy(both, { maxBytes: 8, maxFiles: 1 })).rejects.toMatchObject({ what: 'files' });
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await expect(copy(['a/b/file'], ENOUGH, stop.signal)).rejects.toThrow('enough');
    expect(existsSync(join(to, 'a/b/file'))).toBe(false);
  });
});
