import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { ArchiveError } from './archive-error.js';
import { type MadeEntry, madeTar, rawHeader, streamOf, TAR_END } from './archive.fixture.js';
import { listTree } from './list-tree.js';
import { unpackTree, type UnpackOptions } from './unpack-tree.js';

describe('unpacking an archive of a stranger', () => {
  let folder: string;
  let target: string;
  const limits = { maxBytes: 10_000, maxEntries: 20 };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'unpack-'));
    target = join(folder, 'in', 'tree');
    mkdirSync(join(folder, 'in'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const unpack = (bytes: Buffer, options: Partial<UnpackOptions> = {}) =>
    unpackTree(streamOf(bytes), target, { limits, ...options });
  /** The error, after which nothing may be left. */
  const refusal = async (bytes: Buffer, options?: Partial<UnpackOptions>) => {
    const error = await unpack(bytes, options).then(
      () => new Error('It was taken.'),
      (thrown: Error) => thrown,
    );
    expect(readdirSync(folder)).toEqual(['in']);
    expect(readdirSync(join(folder, 'in'))).toEqual([]);
    if (!(error instanceof ArchiveError)) throw error;
    return error;
  };
  const refusalOf = async (entries: readonly MadeEntry[], options?: Partial<UnpackOptions>) =>
    refusal(await madeTar(entries), options);

  it('makes files, folders and links, with their rwx and times and nothing else of the mode', async () => {
    const mtime = new Date('2020-02-03T04:05:06Z');
    const bytes = await madeTar([
      { name: './', type: 'directory' },
      { name: './bin/', type: 'directory', mode: 0o1500 },
      { name: 'bin/run', content: '#!/bin/sh\n', mode: 0o6755, mtime },
      { name: 'ä/ö'.repeat(60) + '/ü', content: 'long' },
      { name: 'first', type: 'symlink', linkname: 'second' },
      { name: 'second', type: 'symlink', linkname: './bin/../bin/run' },
      { name: 'same', type: 'link', linkname: './bin/run' },
      { name: 'Case', content: 'x' },
      { name: 'case', content: 'y' },
    ]);
    expect(await unpack(bytes)).toEqual({ entries: 9, bytes: 16 });
    const run = lstatSync(join(target, 'bin/run'));
    expect(run.mode & 0o7777).toBe(0o755);
    expect(run.mtime).toEqual(mtime);
    expect(lstatSync(join(target, 'bin')).mode & 0o7777).toBe(0o700);
    expect(readFileSync(join(target, 'ä/ö'.repeat(60), 'ü'), 'utf8')).toBe('long');
    expect(readlinkSync(join(target, 'first'))).toBe('second');
    expect(readFileSync(join(target, 'first'), 'utf8')).toBe('#!/bin/sh\n');
    expect(lstatSync(join(target, 'same')).ino).toBe(run.ino);
    expect(readFileSync(join(target, 'case'), 'utf8')).toBe('y');
    expect(readdirSync(join(folder, 'in'))).toEqual(['tree']);
  });

  it.each<[string, string, MadeEntry[]]>([
    ['an absolute name', 'unsafe_name', [{ name: '/tmp/stolen', content: 'x' }]],
    ['"..": a file', 'unsafe_name', [{ name: 'a/../../stolen', content: 'x' }]],
    ['"..": a folder', 'unsafe_name', [{ name: '..', type: 'directory' }]],
    ['NUL', 'unsafe_name', [{ name: 'a\0b', content: 'x', pax: { path: 'a\0b' } }]],
    [
      'a name of 4,097 bytes',
      'unsafe_name',
      [{ name: ('x'.repeat(250) + '/').repeat(16) + 'c'.repeat(81), content: 'x' }],
    ],
    ['257 folders', 'unsafe_name', [{ name: 'a/'.repeat(257), type: 'directory' }]],
    ['a part of 256 bytes', 'unsafe_name', [{ name: 'ä'.repeat(128), content: 'x' }]],
    [
      'a name too long with its folder',
      'unsafe_name',
      [{ name: ('x'.repeat(250) + '/').repeat(16) + 'c'.repeat(75), content: 'x' }],
    ],
    ['no name', 'unsafe_name', [{ name: './.', content: 'x' }]],
    [
      'a link to nowhere',
      'unsafe_name',
      [{ name: 'a', type: 'symlink', linkname: 'x\0y', pax: { linkpath: 'x\0y' } }],
    ],
    ['an outward link', 'outward_link', [{ name: 'a/l', type: 'symlink', linkname: '../../..' }]],
    ['an absolute link', 'outward_link', [{ name: 'l', type: 'symlink', linkname: '/etc' }]],
    ['a dangling link', 'dangling_link', [{ name: 'l', type: 'symlink', linkname: 'nothing' }]],
    [
      'an outward hard link',
      'unsafe_name',
      [{ name: 'l', type: 'link', linkname: '../../../etc/passwd' }],
    ],
    [
      'an absolute hard link',
      'unsafe_name',
      [{ name: 'l', type: 'link', linkname: '/etc/passwd' }],
    ],
    ['a hard link to nothing', 'dangling_link', [{ name: 'l', type: 'link', linkname: 'x' }]],
    [
      'a hard link to a folder',
      'dangling_link',
      [
        { name: 'x', type: 'directory' },
        { name: 'l', type: 'link', linkname: 'x' },
      ],
    ],
    [
      'a device',
      'unsupported_entry',
      [{ name: 'null', type: 'character-device', devmajor: 1, devminor: 3 }],
    ],
    ['a block device', 'unsupported_entry', [{ name: 'sda', type: 'block-device' }]],
    ['a FIFO', 'unsupported_entry', [{ name: 'pipe', type: 'fifo' }]],
    [
      'a sparse file',
      'unsupported_entry',
      [{ name: 'a', content: 'x', pax: { 'GNU.sparse.major': '1' } }],
    ],
    ['a negative size', 'damaged', [{ name: 'a', content: 'x', pax: { size: '-512' } }]],
    [
      'a file twice',
      'duplicate',
      [
        { name: 'a', content: 'x' },
        { name: './a', content: 'y' },
      ],
    ],
    [
      'a file as a folder',
      'duplicate',
      [
        { name: 'a', content: 'x' },
        { name: 'a/b', content: 'y' },
      ],
    ],
    [
      'a folder as a file',
      'duplicate',
      [
        { name: 'a/b', content: 'x' },
        { name: 'a', content: 'y' },
      ],
    ],
    [
      'a link twice',
      'duplicate',
      [
        { name: 'l', type: 'symlink', linkname: '.' },
        { name: 'l', type: 'symlink', linkname: '.' },
      ],
    ],
    [
      'a link as a folder',
      'duplicate',
      [
        { name: 'l/a', content: 'x' },
        { name: 'l', type: 'symlink', linkname: '.' },
      ],
    ],
    [
      'more bytes',
      'too_large',
      [
        { name: 'a', content: 'x'.repeat(6000) },
        { name: 'b', content: 'x'.repeat(6000) },
      ],
    ],
    [
      'more entries',
      'too_many_entries',
      Array.from({ length: 21 }, (_, i) => ({ name: `f${i}`, content: '' })),
    ],
  ])('refuses %s (%s)', async (_what, code, entries) => {
    const error = await refusalOf([{ name: 'ok', content: 'fine' }, ...entries]);
    expect(error.code).toBe(code);
    if (code !== 'damaged') expect(error.entry).not.toBe('ok');
  });

  it('writes nothing through a link, whichever comes first', async () => {
    const out = mkdtempSync(join(tmpdir(), 'outside-'));
    try {
      const through = await refusalOf([
        { name: 'l', type: 'symlink', linkname: out },
        { name: 'l/stolen', content: 'x' },
      ]);
      expect(through.code).toBe('outward_link');
      const inside = await refusalOf([
        { name: 'd', type: 'directory' },
        { name: 'l', type: 'symlink', linkname: 'd' },
        { name: 'l/x', content: 'x' },
      ]);
      expect(inside).toMatchObject({ code: 'through_link', entry: 'l' });
      // Each link stays inside by its text; one behind the other they lead out.
      const chain = await refusalOf([
        { name: 'a/b/c', type: 'directory' },
        { name: 'up', type: 'symlink', linkname: 'a/b/c/..' },
        { name: 'a/b/c/out', type: 'symlink', linkname: '../../../up/../../..' },
      ]);
      expect(chain).toMatchObject({ code: 'outward_link', entry: 'a/b/c/out' });
      expect(readdirSync(out)).toEqual([]);
    } finally {
      rmSync(out, { recursive: true });
    }
  });

  it('keeps links to what is not in it where it is told to, but none that leads out', async () => {
    const keep = { missingTargets: 'keep' } as const;
    const link = (linkname: string) => [{ name: 'm/l', type: 'symlink', linkname } as const];
    expect((await refusalOf(link('../x/../../y'), keep)).code).toBe('outward_link');
    await unpack(await madeTar(link('../packages/one')), keep);
    expect(readlinkSync(join(target, 'm/l'))).toBe('../packages/one');
  });

  it('refuses sizes that are none', async () => {
    const huge = Buffer.concat([Buffer.from([0x80]), Buffer.alloc(11, 0xff)]);
    const negative = Buffer.concat([Buffer.from([0xff]), Buffer.alloc(11, 0xee)]);
    const exact = Buffer.concat([Buffer.from([0x80, 0, 0, 0]), Buffer.alloc(8, 0x7f)]);
    expect((await refusal(rawHeader({ name: 'a', size: huge }))).code).toBe('unsupported_entry');
    expect((await refusal(rawHeader({ name: 'a', size: negative }))).code).toBe('damaged');
    expect((await refusal(rawHeader({ name: 'a', size: exact }))).code).toBe('unsupported_entry');
    expect((await refusal(rawHeader({ name: 'a', size: 'zzz' }))).code).toBe('damaged');
    expect((await refusal(rawHeader({ name: 'a', size: '77777777777 ' }))).code).toBe('too_large');
    const folder = rawHeader({ name: 'a/', size: '00000001000 ', type: '5' });
    expect((await refusal(Buffer.concat([folder, Buffer.alloc(512), TAR_END]))).code).toBe(
      'unsupported_entry',
    );
  });

  it('refuses names that are no UTF-8, types that nobody knows, and wrong checksums', async () => {
    const name = Buffer.from([0x61, 0xff, 0x62]);
    const size = '00000000000 ';
    expect((await refusal(Buffer.concat([rawHeader({ name, size }), TAR_END]))).code).toBe(
      'unsafe_name',
    );
    const unknown = rawHeader({ name: 'a', size, type: 'S' });
    expect((await refusal(Buffer.concat([unknown, TAR_END]))).code).toBe('unsupported_entry');
    const wrong = rawHeader({ name: 'a', size });
    wrong[0] = 0x62;
    expect((await refusal(Buffer.concat([wrong, TAR_END]))).code).toBe('damaged');
    expect((await refusal(Buffer.from('no tar at all'.repeat(100)))).code).toBe('damaged');
  });

  it('refuses an archive that is cut off, wherever', async () => {
    const whole = await madeTar([
      { name: 'a', content: 'x'.repeat(700) },
      { name: 'b', content: '\0'.repeat(1024) },
    ]);
    expect(whole.length).toBe(512 + 1024 + 512 + 1024 + 1024);
    const cuts = [0, 1, 511, 512, 1000, 1536, 2048, 2560, 3072, 3584, 4095];
    for (const cut of cuts) {
      expect([cut, (await refusal(whole.subarray(0, cut))).code]).toEqual([cut, 'damaged']);
    }
    const zipped = gzipSync(whole);
    const half = zipped.subarray(0, zipped.length - 9);
    expect((await refusal(half, { gzip: true })).code).toBe('damaged');
    expect((await refusal(whole, { gzip: true })).code).toBe('damaged');
    await unpack(zipped, { gzip: true });
    expect(lstatSync(join(target, 'b')).size).toBe(1024);
  });

  it('refuses a bomb before it has unpacked it', async () => {
    const size = 2 ** 23;
    const header = rawHeader({ name: 'a', size: `${size.toString(8).padStart(11, '0')} ` });
    const bomb = gzipSync(Buffer.concat([header, Buffer.alloc(size)]));
    expect(bomb.length).toBeLessThan(100_000);
    expect((await refusal(bomb, { gzip: true })).code).toBe('too_large');
    // Of zeros, which are no entry, and of names that never end.
    expect((await refusal(gzipSync(Buffer.alloc(size)), { gzip: true })).code).toBe('damaged');
    const long = rawHeader({ name: 'x', size: '00017777777 ', type: 'x' });
    expect((await refusal(Buffer.concat([long, Buffer.alloc(2 ** 22)]))).code).toBe('damaged');
  });

  it('refuses an entry with endless attributes', async () => {
    const pax = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 'v']));
    expect((await refusalOf([{ name: 'a', content: 'x', pax }])).code).toBe('unsupported_entry');
  });

  it('a link in the place of the target is not followed, and what is there is kept', async () => {
    const bytes = await madeTar([{ name: 'a', content: 'new' }]);
    mkdirSync(join(folder, 'other'));
    symlinkSync(join(folder, 'other'), target);
    await expect(unpack(bytes)).rejects.toMatchObject({ code: 'target_exists' });
    rmSync(target);
    mkdirSync(target);
    writeFileSync(join(target, 'kept'), '');
    await expect(unpack(bytes)).rejects.toMatchObject({ code: 'target_exists' });
    expect(readdirSync(join(folder, 'in'))).toEqual(['tree']);
    rmSync(join(target, 'kept'));
    await unpack(bytes);
    expect(readdirSync(target)).toEqual(['a']);
    expect(readdirSync(join(folder, 'other'))).toEqual([]);
  });

  it('stops when it is told to, also while nothing comes, and tells errors of the source', async () => {
    const stopping = new AbortController();
    const bytes = await madeTar([{ name: 'a', content: 'x'.repeat(5000) }]);
    const silent = new Readable({ read: () => undefined });
    silent.push(bytes.subarray(0, 3000));
    const reason = new Error('cancelled');
    let modes: number[] = [];
    setTimeout(() => {
      const made = readdirSync(join(folder, 'in')).map((name) => join(folder, 'in', name));
      modes = made.map((path) => lstatSync(path).mode & 0o777);
      stopping.abort(reason);
    }, 20);
    const options = { limits, signal: stopping.signal };
    await expect(unpackTree(silent, target, options)).rejects.toBe(reason);
    expect(silent.destroyed).toBe(true);
    // Until it is whole nobody else can look into it.
    expect(modes).toEqual([0o700]);
    await expect(unpackTree(streamOf(bytes), target, options)).rejects.toBe(reason);
    const refused = new Readable({ read: () => undefined });
    refused.push(rawHeader({ name: '../a', size: '00000000000 ' }));
    await expect(unpackTree(refused, target, { limits })).rejects.toMatchObject({
      code: 'unsafe_name',
    });
    expect(refused.destroyed).toBe(true);
    const broken = new Readable({ read: () => undefined });
    broken.push(bytes.subarray(0, 3000));
    const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
    setTimeout(() => broken.destroy(reset), 20);
    await expect(unpackTree(broken, target, { limits })).rejects.toBe(reset);
    expect(readdirSync(join(folder, 'in'))).toEqual([]);
  });

  it('lists by the same rules', async () => {
    const bytes = await madeTar([
      { name: 'a/', type: 'directory', mode: 0o4755, mtime: new Date(5000) },
      { name: 'a/b', content: 'xyz', mode: 0o600, mtime: new Date(0) },
      { name: 'l', type: 'symlink', linkname: '/etc', mtime: new Date(0) },
    ]);
    const listed: unknown[] = [];
    for await (const entry of listTree(streamOf(bytes), { limits })) listed.push(entry);
    expect(listed).toEqual([
      { kind: 'folder', path: 'a', mode: 0o755, mtime: new Date(5000) },
      { kind: 'file', path: 'a/b', size: 3, mode: 0o600, mtime: new Date(0) },
      { kind: 'link', path: 'l', target: '/etc', mode: 0o644, mtime: new Date(0) },
    ]);
    const hostile = streamOf(await madeTar([{ name: '../a', content: '' }]));
    await expect(listTree(hostile, { limits }).next()).rejects.toMatchObject({
      code: 'unsafe_name',
    });
    expect(hostile.destroyed).toBe(true);
    for (const name of [('x'.repeat(250) + '/').repeat(17), 'ä'.repeat(128)]) {
      const long = listTree(streamOf(await madeTar([{ name, content: '' }])), { limits });
      await expect(long.next()).rejects.toMatchObject({ code: 'unsafe_name' });
    }
  });
});
