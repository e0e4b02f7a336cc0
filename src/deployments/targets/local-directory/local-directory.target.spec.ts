import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rawHeader, streamOf } from '../../../common/archive/archive.fixture.js';
import { packTree } from '../../../common/archive/pack-tree.js';
import { installationOf } from '../../../common/installation.fixture.js';
import { Globs } from '../../../common/values/globs/globs.js';
import type { StepFiles } from '../../../executions/attempt/steps/deployer.js';
import type { DirectorySettings } from '../../record/deployment.js';
import { type DirectoryRelease } from '../deploy-target.js';
import { MAX_RELEASE_BYTES, RELEASE_LIMITS } from '../release-limits.js';
import { DeployFolders } from './deploy-folders.js';
import { isHashedName } from './gone-assets.js';
import { LocalDirectoryTarget } from './local-directory.target.js';

const NEVER = new AbortController().signal;

describe('LocalDirectoryTarget', () => {
  let base: string;
  let root: string;
  let made: string;
  let target: LocalDirectoryTarget;

  beforeEach(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'local-directory-')));
    chmodSync(base, 0o755);
    root = join(base, 'sites');
    made = join(base, 'made');
    for (const folder of [root, made, join(base, 'scratch')]) mkdirSync(folder);
    target = new LocalDirectoryTarget(
      new DeployFolders([root]),
      installationOf('here'),
      join(base, 'scratch'),
    );
  });
  afterEach(() => rmSync(base, { recursive: true }));

  const settings = (more: Partial<DirectorySettings> = {}): DirectorySettings => ({
    ...{ type: 'local_directory', path: join(root, 'shop'), keep: 5 },
    ...{ exclude: [], shared: [], permissions: {}, ...more },
  });
  const release = (number: number, more: Partial<DirectorySettings> = {}): DirectoryRelease => ({
    ...{ number, settings: settings(more), service_id: 'default/shop' },
  });
  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(made, name)), { recursive: true });
      writeFileSync(join(made, name), text);
    }
  };
  const source: StepFiles = {
    packed: ({ exclude, limits, onFile }, signal, work) => {
      const globs = new Globs(['**', ...exclude.map((glob) => `!${glob}`)]);
      return work(
        packTree(made, { globs, limits, onFile, signal, scratch: join(base, 'scratch') }),
      );
    },
  };
  const at = (path: string): string => join(root, 'shop', path);
  const serve = async (one: DirectoryRelease): Promise<void> => {
    await target.prepare(one, source, NEVER);
    await target.arm(one, 't');
    await target.switchTo(one, 't');
  };

  it('puts releases side by side, and switches a link', async () => {
    write({ 'index.html': 'one', 'css/site.css': 'c' });
    expect(await target.serving(settings())).toBeUndefined();
    const prepared = await target.prepare(release(1), source, NEVER);
    expect(prepared).toEqual({
      ...{ files: 2, bytes: 4, warnings: [] },
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
    });
    expect(existsSync(at('current'))).toBe(false);
    await serve(release(1));
    expect([await target.serving(settings()), readlinkSync(at('current'))]).toEqual([
      1,
      'releases/1',
    ]);
    write({ 'index.html': 'two' });
    await serve(release(2));
    expect(readFileSync(at('current/index.html'), 'utf8')).toBe('two');
    expect(readFileSync(at('releases/1/index.html'), 'utf8')).toBe('one');
    expect(await target.digestOf(release(1))).toBe(prepared.digest);
    expect(await target.digestOf(release(2))).not.toBe(prepared.digest);
    expect(await target.digestOf(release(3))).toBeUndefined();
  });

  it('says which files pages of the release before will still ask for', async () => {
    write({
      'index.html': '1',
      'assets/index-BfX3k2Qa.js': 'a',
      'assets/site.5d41402abc4b.css': 'c',
    });
    expect((await target.prepare(release(1), source, NEVER)).warnings).toEqual([]);
    await serve(release(1));
    expect((await target.prepare(release(2), source, NEVER)).warnings).toEqual([]);
    rmSync(join(made, 'assets'), { recursive: true });
    write({ 'assets/index-Q8_xZ1mm.js': 'b' });
    const { warnings } = await target.prepare(release(2), source, NEVER);
    expect(warnings).toEqual([
      {
        code: 'assets_gone',
        message: expect.stringContaining('assets/index-BfX3k2Qa.js and 1 more') as string,
        data: { release: 1, count: 2 },
      },
    ]);
  });

  it.each([
    ...['index-BfX3k2Qa.js', 'site.5d41402abc4b2a76.css', 'logo.a1b2c3d4.svg', 'a-DkJfXqPz.mjs'],
  ])('takes %s for a file of one release', (name) => {
    expect(isHashedName(name)).toBe(true);
  });

  it.each([
    ...[
      'index.html',
      'my-component.js',
      'jquery-3.7.1.min.js',
      'report-20261129.pdf',
      'a-Dashboard.js',
    ],
  ])('takes %s for no such file', (name) => {
    expect(isHashedName(name)).toBe(false);
  });

  it('knows a release that was changed: a file, its mode, a link, one more', async () => {
    write({ a: 'x' });
    symlinkSync('a', join(made, 'link'));
    const { digest } = await target.prepare(release(1), source, NEVER);
    const file = at('releases/1/a');
    const link = at('releases/1/link');
    const changes: readonly (() => void)[] = [
      () => writeFileSync(file, 'y'),
      () => chmodSync(file, 0o600),
      () => {
        rmSync(link);
        symlinkSync('b', link);
      },
      () => writeFileSync(at('releases/1/more'), ''),
    ];
    for (const change of changes) {
      await target.prepare(release(1), source, NEVER);
      expect(await target.digestOf(release(1))).toBe(digest);
      change();
      expect(await target.digestOf(release(1))).not.toBe(digest);
    }
  });

  it('takes no release that did not arrive as it was packed', async () => {
    write({ a: 'x' });
    const damaged = (more: readonly string[], digest?: string): StepFiles => ({
      packed: (request, signal, work) => {
        const onFile: typeof request.onFile = (file) => {
          request.onFile(digest === undefined ? file : { ...file, digest });
          for (const path of more) request.onFile({ ...file, path });
        };
        return source.packed({ ...request, onFile }, signal, work);
      },
    });
    for (const other of [damaged([], 'other'), damaged(['lost'])]) {
      await expect(target.prepare(release(1), other, NEVER)).rejects.toThrow('arrive');
    }
    await target.prepare(release(1), damaged([]), NEVER);
  });

  it('has limits for a release: as it is packed, and as it is unpacked', async () => {
    write({ a: 'x' });
    const limits: unknown[] = [];
    /** As if it came from somebody who keeps to no limit. */
    const large = rawHeader({ name: 'large', size: (MAX_RELEASE_BYTES + 1).toString(8) });
    const endless: StepFiles = {
      packed: (request, signal, work) => {
        limits.push(request.limits);
        const stream = streamOf(large);
        return source.packed(request, signal, (packed) => work({ ...packed, stream }));
      },
    };
    await expect(target.prepare(release(1), endless, NEVER)).rejects.toMatchObject({
      reason: {
        code: 'release_too_large',
        message: expect.stringContaining(`more than ${MAX_RELEASE_BYTES} bytes`) as string,
      },
    });
    expect(limits).toEqual([RELEASE_LIMITS]);
    expect(readdirSync(at('releases'))).toEqual([]);
  });

  it('switches to nothing that was made ready before', async () => {
    write({ a: 'x' });
    await serve(release(1));
    await target.prepare(release(2), source, NEVER);
    await target.arm(release(2), 'stale');
    // Another worker has taken the deployment while this one slept.
    await target.disarm(settings());
    await expect(target.switchTo(release(2), 'stale')).rejects.toMatchObject({ code: 'ENOENT' });
    await target.arm(release(2), 'stale');
    await target.arm(release(2), 'new');
    await expect(target.switchTo(release(2), 'stale')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await target.serving(settings())).toBe(1);
    await target.switchTo(release(2), 'new');
    expect(await target.serving(settings())).toBe(2);
    expect(readdirSync(at('.')).sort()).toEqual([
      ...['.millrace-service', 'current', 'releases', 'shared'],
    ]);
  });

  it('removes what does not serve, and never what does', async () => {
    write({ 'a/b': 'x' });
    await serve(release(1));
    await target.prepare(release(2), source, NEVER);
    await expect(target.remove(release(1))).rejects.toThrow('release 1 of default/shop serves');
    // A process was killed while it unpacked.
    mkdirSync(at('releases/.unpack-of-it/sub'), { recursive: true });
    await target.remove(release(2));
    await target.remove(release(2));
    await target.remove(release(9, { path: join(root, 'nowhere') }));
    expect(readdirSync(at('releases'))).toEqual(['1']);
  });

  it('withdraws what serves, and forgets the service but what its application has written', async () => {
    write({ a: 'x' });
    const shared = ['data'];
    await serve(release(1, { shared }));
    const other = { ...release(1), service_id: 'default/other' };
    await target.withdraw(other);
    expect(await target.serving(settings())).toBe(1);
    await target.arm(release(1), 'late');
    await target.withdraw(release(1));
    await target.withdraw(release(1));
    await expect(target.switchTo(release(1), 'late')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(existsSync(at('current'))).toBe(false);
    writeFileSync(at('shared/data/kept'), 'k');
    await target.remove(release(1));
    await target.forget('default/other', settings());
    expect(existsSync(at('.millrace-service'))).toBe(true);
    await target.forget('default/shop', settings());
    await target.forget('default/shop', settings());
    expect(readdirSync(at('.'))).toEqual(['shared']);
    // Whoever comes next has the folder, and what is in it.
    await expect(target.plan('default/other', settings())).resolves.toBeDefined();
  });

  it('shares folders that stay as they are', async () => {
    write({ a: 'x', 'public/uploads/own': 'not taken' });
    const shared = ['public/uploads', 'data'];
    await serve(release(1, { shared }));
    writeFileSync(at('current/public/uploads/u'), 'u');
    chmodSync(at('shared/data'), 0o700);
    await serve(release(2, { shared }));
    expect(readFileSync(at('current/public/uploads/u'), 'utf8')).toBe('u');
    expect(readdirSync(at('shared/public/uploads'))).toEqual(['u']);
    expect(statSync(at('shared/data')).mode & 0o777).toBe(0o700);
    expect(lstatSync(at('current/data')).isSymbolicLink()).toBe(true);
  });

  it('is led nowhere by a link in shared, or in the release', async () => {
    write({ a: 'x', 'real/b': 'x' });
    symlinkSync('real', join(made, 'inside'));
    await serve(release(1, { shared: ['data/deep'] }));
    symlinkSync(made, at('shared/led'));
    symlinkSync(made, at('shared/data/led'));
    writeFileSync(at('shared/file'), '');
    for (const shared of ['led', 'led/x', 'data/led', 'data/led/x', 'file', 'inside/x', 'a/x']) {
      const led = target.prepare(release(2, { shared: [shared] }), source, NEVER);
      await expect(led).rejects.toMatchObject({ reason: { code: 'path_unusable' } });
    }
    expect(readdirSync(made).sort()).toEqual(['a', 'inside', 'real']);
  });

  it('gives permissions', async () => {
    write({ 'sub/a': 'x', run: 'x' });
    chmodSync(join(made, 'sub/a'), 0o660);
    chmodSync(join(made, 'run'), 0o700);
    await target.prepare(release(1), source, NEVER);
    const modes = (number: number): string[] =>
      ['.', 'sub', 'sub/a', 'run'].map((name) =>
        (statSync(at(`releases/${number}/${name}`)).mode & 0o7777).toString(8),
      );
    expect(modes(1)).toEqual(['755', '755', '644', '744']);
    const permissions = { files: 0o640, folders: 0o750 };
    await target.prepare(release(2, { permissions }), source, NEVER);
    expect(modes(2)).toEqual(['750', '750', '640', '640']);
  });

  it.each(['/etc/shop', '../shop', '.', 'a/../../b', 'a/../shop', ''])(
    'refuses the path %j',
    (path) => {
      expect(() => target.placeOf(settings({ path }))).toThrow('DEPLOY_FOLDERS');
    },
  );

  it('goes through no link, and takes the folder of nobody else', async () => {
    symlinkSync(made, join(root, 'link'));
    const path = join(root, 'link/shop');
    await expect(target.prepare(release(1, { path }), source, NEVER)).rejects.toMatchObject({
      reason: { code: 'path_unusable' },
    });
    await target.prepare(release(1), source, NEVER);
    await expect(target.plan('default/other', settings())).rejects.toMatchObject({
      reason: { code: 'path_taken' },
    });
    const other = new LocalDirectoryTarget(
      new DeployFolders([root]),
      installationOf('elsewhere'),
      join(base, 'scratch'),
    );
    await expect(other.plan('default/shop', settings())).rejects.toMatchObject({
      reason: { code: 'path_taken' },
    });
    await expect(other.prepare(release(1), source, NEVER)).rejects.toMatchObject({
      reason: { code: 'path_taken' },
    });
    await serve(release(1));
    for (const number of [1, 2]) await other.remove(release(number));
    expect(readdirSync(at('releases'))).toEqual(['1']);
    // No refusal. Whether it warns depends on where the folder for temporary files lies.
    await expect(target.plan('default/shop', settings())).resolves.toBeDefined();
  });

  it('takes none of its folders for its own that is a link', async () => {
    const outside = new LocalDirectoryTarget(
      new DeployFolders([join(base, 'led')]),
      installationOf('here'),
      join(base, 'scratch'),
    );
    symlinkSync(root, join(base, 'led'));
    const path = join(base, 'led/shop');
    const through = outside.prepare(release(1, { path }), source, NEVER);
    await expect(through).rejects.toMatchObject({ reason: { code: 'path_unusable' } });
    write({ a: 'x' });
    for (const name of ['releases', 'shared']) {
      await target.prepare(release(1), source, NEVER);
      rmSync(at(name), { recursive: true });
      symlinkSync(made, at(name));
      const led = target.prepare(release(1, { shared: ['data'] }), source, NEVER);
      await expect(led).rejects.toThrow();
      rmSync(at(name));
    }
    expect(readdirSync(made)).toEqual(['a']);
  });

  it('removes nothing that a link leads to', async () => {
    write({ a: 'x' });
    await serve(release(1));
    symlinkSync(made, at('releases/.unpack-left'));
    await target.remove(release(2));
    expect(readdirSync(at('releases'))).toEqual(['1']);
    symlinkSync(made, at('releases/2'));
    await expect(target.remove(release(2))).rejects.toThrow('ENOTDIR');
    expect(readdirSync(made)).toEqual(['a']);
  });

  it('leaves a folder alone that is named as its link', async () => {
    mkdirSync(at('current'), { recursive: true });
    await expect(target.plan('default/shop', settings())).rejects.toMatchObject({
      reason: { code: 'path_unusable' },
    });
  });

  it('warns of a folder that others cannot enter', async () => {
    chmodSync(root, 0o700);
    expect(await target.plan('default/shop', settings())).toMatchObject([{ code: 'path_closed' }]);
  });
});
