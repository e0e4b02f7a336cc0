import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TreeFolder } from '../tree/tree-folder.js';
import { Globs } from '../values/globs/globs.js';
import { bytesOf, PACK_LIMITS, streamOf } from './archive.fixture.js';
import { listTree } from './list-tree.js';
import { packTree, type PackOptions } from './pack-tree.js';
import type { ArchiveEntry } from './read-entries.js';
import { unpackTree } from './unpack-tree.js';

describe('packing a tree of a stranger', () => {
  let folder: string;
  let root: string;
  let scratch: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pack-'));
    root = join(folder, 'tree');
    scratch = join(folder, 'scratch');
    mkdirSync(root);
    mkdirSync(scratch);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    expect(readdirSync(scratch)).toEqual([]);
    rmSync(folder, { recursive: true, force: true });
  });

  const put = (path: string, content: string | Buffer = path, mode = 0o644): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  };
  const packing = (globs: readonly string[], options: Partial<PackOptions> = {}) =>
    packTree(root, { globs: new Globs(globs), limits: PACK_LIMITS, scratch, ...options });
  const packed = async (globs: readonly string[], options: Partial<PackOptions> = {}) => {
    const { stream, result } = packing(globs, options);
    const bytes = await bytesOf(stream);
    const byPath = new Map<string, ArchiveEntry>();
    const read = { limits: PACK_LIMITS, gzip: options.gzip };
    for await (const entry of listTree(streamOf(bytes), read)) byPath.set(entry.path, entry);
    const { leftOut, ...rest } = result();
    const reasons = leftOut.listed.map(({ path, reason }) => `${path}: ${reason}`);
    return { bytes, byPath, paths: [...byPath.keys()], leftOut, reasons, ...rest };
  };

  it('takes what the globs include, in one order, with its rwx, its time and nothing of its owner', async () => {
    put('dist/b.js', 'b');
    put('dist/.map', 'm');
    put('dist/a.js', '#!', 0o4755);
    put('src/a.ts');
    mkdirSync(join(root, 'dist/empty'), { mode: 0o750 });
    utimesSync(join(root, 'dist/a.js'), 1e9, 1_600_000_000.9);
    utimesSync(join(root, 'dist/.map'), 1e9, 5e9);
    const tree = await packed(['dist/', 'nothing/**', '!**/never']);
    expect(tree.paths).toEqual(['dist', 'dist/.map', 'dist/a.js', 'dist/b.js', 'dist/empty']);
    expect(tree).toMatchObject({ contentBytes: 4, unmatched: ['nothing/**'], reasons: [] });
    expect(tree.entries).toBe(5);
    expect(tree.byPath.get('dist/a.js')).toMatchObject({
      mode: 0o755,
      mtime: new Date(1_600_000_000_000),
    });
    expect(tree.byPath.get('dist/.map')?.mtime).toEqual(new Date((2 ** 31 - 1) * 1000));
    expect(tree.byPath.get('dist/empty')).toMatchObject({ kind: 'folder', mode: 0o750 });
    // The modes of the headers, of which the second is of a file with setuid.
    expect(tree.bytes.toString('latin1', 1024 + 512 + 100, 1024 + 512 + 107)).toBe('000755 ');
    // uid and gid of the first header.
    expect(tree.bytes.toString('latin1', 108, 124)).toBe('000000 \x00000000 \x00');
  });

  it('tells the size and digest of the stream, which are the same for the same tree', async () => {
    put('b/2', 'x'.repeat(100));
    put('a', 'y');
    const first = await packed(['**']);
    expect(first.digest).toBe(createHash('sha256').update(first.bytes).digest('hex'));
    expect(first.size).toBe(first.bytes.length);
    expect((await packed(['a', '**'])).digest).toBe(first.digest);
    const zipped = await packed(['**'], { gzip: true });
    expect(zipped.digest).toBe(createHash('sha256').update(zipped.bytes).digest('hex'));
    expect(zipped.size).toBeLessThan(first.size);
    expect(zipped.paths).toEqual(['a', 'b', 'b/2']);
    expect(() => packing(['**']).result()).toThrow('not ended');
  });

  it('keeps links that stay inside, and names those that do not', async () => {
    put('packages/one/x');
    put('node_modules/.bin/y');
    symlinkSync('../packages/one', join(root, 'node_modules/one'));
    symlinkSync('.bin/y', join(root, 'node_modules/y'));
    symlinkSync('nothing', join(root, 'node_modules/dangling'));
    symlinkSync('../../outside', join(root, 'node_modules/out'));
    symlinkSync(root, join(root, 'node_modules/absolute'));
    symlinkSync('one/../../../tree/packages', join(root, 'node_modules/out-and-in'));
    symlinkSync('self', join(root, 'node_modules/self'));
    symlinkSync(Buffer.from([0x61, 0xff]), join(root, 'node_modules/bytes'));
    const tree = await packed(['node_modules']);
    expect(tree.byPath.get('node_modules/one')).toMatchObject({
      kind: 'link',
      target: '../packages/one',
    });
    expect(tree.byPath.get('node_modules/y')).toMatchObject({ kind: 'link', target: '.bin/y' });
    expect(tree.entries).toBe(5);
    expect(tree.reasons).toEqual([
      'node_modules/absolute: outward_link',
      'node_modules/bytes: invalid_name',
      'node_modules/dangling: dangling_link',
      'node_modules/out: outward_link',
      'node_modules/out-and-in: outward_link',
      'node_modules/self: dangling_link',
    ]);
  });

  it('keeps no link that its own archive could not be unpacked with', async () => {
    put('packages/one/x');
    put('\ufffd');
    symlinkSync('packages/one', join(root, 'in'));
    symlinkSync('in/../../packages', join(root, 'odd'));
    symlinkSync('in/../../packages/one/x', join(root, 'packages/even'));
    symlinkSync('\ufffd', join(root, 'text'));
    const { bytes, reasons } = await packed(['odd', 'text', 'packages/even', 'in']);
    expect(reasons).toEqual([
      'odd: outward_link',
      'packages/even: dangling_link',
      'text: invalid_name',
    ]);
    const keep = { limits: PACK_LIMITS, missingTargets: 'keep' } as const;
    expect(await unpackTree(streamOf(bytes), join(folder, 'again'), keep)).toMatchObject({
      entries: 1,
    });
  });

  it('what is no file, and names that are no text, are left out by name', async () => {
    const server = createServer().listen(join(root, 'socket'));
    await once(server, 'listening');
    try {
      put('ä ö\nü', 'text');
      put('\ufffd', 'x');
      writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x61, 0xe4])]), 'x');
      put('plain');
      linkSync(join(root, 'plain'), join(root, 'same'));
      const tree = await packed(['*', '!nothing']);
      expect(tree.paths).toEqual(['plain', 'same', 'ä ö\nü']);
      expect(tree.byPath.get('same')).toMatchObject({ kind: 'file', size: 5 });
      expect(tree.reasons).toEqual([
        'a\ufffd: invalid_name',
        'socket: special_file',
        '\ufffd: invalid_name',
      ]);
    } finally {
      server.close();
    }
  });

  it('lists a hundred of these, and counts the rest', async () => {
    for (let index = 0; index < 130; index += 1) symlinkSync('/', join(root, `l${index}`));
    const { leftOut } = await packed(['*']);
    expect(leftOut.listed).toHaveLength(100);
    expect(leftOut.unlisted).toBe(30);
  });

  it('ends with an error at each limit', async () => {
    for (let index = 0; index < 6; index += 1) put(`d/f${index}`, 'x'.repeat(100));
    const limited = (change: Partial<PackOptions['limits']>) =>
      packed(['d/*'], { limits: { ...PACK_LIMITS, ...change } });
    await expect(limited({ maxBytes: 599 })).rejects.toMatchObject({
      code: 'too_large',
      entry: 'd/f5',
    });
    await expect(limited({ maxEntries: 5 })).rejects.toMatchObject({
      code: 'too_many_entries',
      entry: 'd/f5',
    });
    await expect(limited({ maxWalked: 6 })).rejects.toMatchObject({ code: 'too_many_entries' });
    expect((await limited({ maxBytes: 600, maxEntries: 6, maxWalked: 7 })).entries).toBe(6);
  });

  it('names and folders as long as they may be come back whole', async () => {
    const deep = Array.from({ length: 15 }, (_, index) => `${'d'.repeat(240)}${index}`).join('/');
    put(`${deep}/${'ü'.repeat(100)}`, 'deep');
    const { bytes, reasons } = await packed(['**']);
    expect(reasons).toEqual([]);
    await unpackTree(streamOf(bytes), join(folder, 'again'), { limits: PACK_LIMITS });
    const again = readFileSync(join(folder, 'again', deep, 'ü'.repeat(100)), 'utf8');
    expect(again).toBe('deep');
    rmSync(join(folder, 'again'), { recursive: true });
    mkdirSync(join(root, 'x/'.repeat(202)), { recursive: true });
    expect((await packed(['x'])).reasons).toEqual([`${'x/'.repeat(200)}x: too_deep`]);
  });

  it('large files pass by the disk', async () => {
    const content = Buffer.alloc(3_000_000, 'abc');
    put('large', content);
    const { bytes } = await packed(['large']);
    await unpackTree(streamOf(bytes), join(folder, 'again'), { limits: PACK_LIMITS });
    expect(readFileSync(join(folder, 'again/large')).equals(content)).toBe(true);
    rmSync(scratch, { recursive: true });
    await expect(packed(['large'])).rejects.toMatchObject({ code: 'ENOENT' });
    mkdirSync(scratch);
  });

  /** Does something to the tree at the moment when `log` has been opened, so many times. */
  const meanwhile = (times: number, change: () => void) => {
    const open = TreeFolder.prototype.file;
    let left = times;
    return jest.spyOn(TreeFolder.prototype, 'file').mockImplementation(async function (
      this: TreeFolder,
      name,
    ) {
      const file = await open.call(this, name);
      if (name !== 'log') return file;
      const stat = file.stat.bind(file);
      // After the size is known, and before the content is read.
      jest.spyOn(file, 'stat').mockImplementationOnce((async (options: { bigint: true }) => {
        const before = await stat(options);
        left -= 1;
        if (left >= 0) change();
        return before;
      }) as unknown as typeof stat);
      return file;
    });
  };

  it.each([
    ['grows', 10, () => appendFileSync(join(root, 'log'), 'more')],
    ['shrinks', 10, () => truncateSync(join(root, 'log'), 4)],
    ['grows, a large one', 2 ** 21, () => appendFileSync(join(root, 'log'), 'more')],
    ['shrinks, a large one', 2 ** 21, () => truncateSync(join(root, 'log'), 2 ** 20)],
    ['is written over', 10, () => writeFileSync(join(root, 'log'), 'y'.repeat(10))],
  ])('a file that %s meanwhile is packed whole', async (_what, size, change) => {
    put('log', 'x'.repeat(size));
    utimesSync(join(root, 'log'), 1e9, 1e9);
    put('z');
    meanwhile(1, change);
    const { bytes, reasons } = await packed(['*']);
    expect(reasons).toEqual([]);
    await unpackTree(streamOf(bytes), join(folder, 'again'), { limits: PACK_LIMITS });
    const again = readFileSync(join(folder, 'again/log'), 'utf8');
    expect(again === readFileSync(join(root, 'log'), 'utf8')).toBe(true);
  });

  it('a file that was written over between two reads is read again', async () => {
    put('log', 'x'.repeat(2 ** 21));
    utimesSync(join(root, 'log'), 1e9, 1e9);
    const open = TreeFolder.prototype.file;
    let opened = 0;
    jest.spyOn(TreeFolder.prototype, 'file').mockImplementation(async function (
      this: TreeFolder,
      name,
    ) {
      const file = await open.call(this, name);
      opened += 1;
      // The first time only its size is asked for.
      if (opened !== 2) return file;
      const read = file.read.bind(file) as (...args: unknown[]) => Promise<{ bytesRead: number }>;
      jest.spyOn(file, 'read').mockImplementationOnce((async (...args: unknown[]) => {
        const done = await read(...args);
        writeFileSync(join(root, 'log'), 'y'.repeat(2 ** 21), { flag: 'r+' });
        return done;
      }) as unknown as typeof file.read);
      return file;
    });
    const { bytes } = await packed(['*']);
    await unpackTree(streamOf(bytes), join(folder, 'again'), { limits: PACK_LIMITS });
    expect(readFileSync(join(folder, 'again/log'), 'utf8') === 'y'.repeat(2 ** 21)).toBe(true);
  });

  it('a file of which less comes than there is, is read again', async () => {
    put('log', 'whole');
    const open = TreeFolder.prototype.file;
    jest.spyOn(TreeFolder.prototype, 'file').mockImplementationOnce(async function (
      this: TreeFolder,
      name,
    ) {
      const file = await open.call(this, name);
      jest.spyOn(file, 'read').mockResolvedValueOnce({ bytesRead: 2, buffer: Buffer.alloc(0) });
      return file;
    });
    expect((await packed(['*'])).bytes.includes('whole')).toBe(true);
  });

  it('what is read ahead is of the same folder', async () => {
    for (const path of ['a', 'b/b', 'b/c/d', 'c', 'd']) put(path, `in ${path}`);
    const { paths, bytes, reasons } = await packed(['**']);
    expect(paths).toEqual(['a', 'b', 'b/b', 'b/c', 'b/c/d', 'c', 'd']);
    expect(reasons).toEqual([]);
    await unpackTree(streamOf(bytes), join(folder, 'again'), { limits: PACK_LIMITS });
    expect(readFileSync(join(folder, 'again/b/b'), 'utf8')).toBe('in b/b');
    expect(readFileSync(join(folder, 'again/b/c/d'), 'utf8')).toBe('in b/c/d');
  });

  it('a file that never stands still is named', async () => {
    put('log');
    put('z');
    meanwhile(2, () => appendFileSync(join(root, 'log'), 'more'));
    expect(await packed(['*'])).toMatchObject({ paths: ['z'], reasons: ['log: changing'] });
  });

  it('nothing outside is read where a folder becomes a link, or a file does', async () => {
    mkdirSync(join(folder, 'outside'));
    writeFileSync(join(folder, 'outside/x'), 'stolen');
    put('a/x', 'mine');
    put('b/x', 'mine');
    const { entries } = TreeFolder.prototype;
    let calls = 0;
    jest.spyOn(TreeFolder.prototype, 'entries').mockImplementation(async function (
      this: TreeFolder,
      limit,
    ) {
      const found = await entries.call(this, limit);
      calls += 1;
      if (calls === 1) {
        // Before `a` is opened.
        renameSync(join(root, 'a'), join(root, 'moved'));
        symlinkSync('../outside', join(root, 'a'));
      } else if (calls === 2) {
        // `b` is open, and read by that: its path no longer counts.
        renameSync(join(root, 'b'), join(root, 'moved-b'));
        symlinkSync('../outside', join(root, 'b'));
      }
      return found;
    });
    const tree = await packed(['*/x']);
    expect(tree).toMatchObject({ paths: ['b/x'], reasons: ['a: vanished'] });
    expect(tree.bytes.includes('stolen')).toBe(false);
    expect(tree.bytes.includes('mine')).toBe(true);
    jest.restoreAllMocks();
    meanwhile(0, () => undefined);
    jest.spyOn(TreeFolder.prototype, 'file').mockImplementationOnce(async function (
      this: TreeFolder,
      name,
    ) {
      rmSync(join(root, 'moved/x'));
      symlinkSync('../../outside/x', join(root, 'moved/x'));
      return TreeFolder.prototype.file.call(this, name);
    });
    expect(await packed(['moved/*'])).toMatchObject({ paths: [], reasons: ['moved/x: vanished'] });
  });

  it('an error waits for the files that are read ahead, of a folder that is closed then', async () => {
    for (let index = 0; index < 5; index += 1) put(`f${index}`);
    const open = TreeFolder.prototype.file;
    let opened = 0;
    jest.spyOn(TreeFolder.prototype, 'file').mockImplementation(async function (
      this: TreeFolder,
      name,
    ) {
      if (name !== 'f0') await new Promise((resolve) => setTimeout(resolve, 20));
      const file = await open.call(this, name);
      opened += 1;
      return file;
    });
    const limits = { ...PACK_LIMITS, maxEntries: 0 };
    await expect(packed(['*'], { limits })).rejects.toMatchObject({ entry: 'f0' });
    expect(opened).toBe(5);
  });

  it('stops when it is told to, and when nobody reads any more', async () => {
    for (let index = 0; index < 50; index += 1) put(`f${index}`, 'x'.repeat(50_000));
    const reason = new Error('cancelled');
    for (const gzip of [false, true]) {
      const stopping = new AbortController();
      const { stream } = packing(['*'], { signal: stopping.signal, gzip });
      setTimeout(() => stopping.abort(reason), 3);
      await expect(bytesOf(stream)).rejects.toBe(reason);
    }
    const before = readdirSync('/proc/self/fd').length;
    for (const gzip of [false, true]) {
      const unread = packing(['*'], { gzip });
      for await (const chunk of unread.stream) {
        expect((chunk as Buffer).length).toBeGreaterThan(0);
        break;
      }
      expect(() => unread.result()).toThrow('not ended');
    }
    for (let round = 0; round < 100 && readdirSync('/proc/self/fd').length > before; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });
});
