import { execFile } from 'node:child_process';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GitFixture, GitHttpServer } from '../../../test/support/git-http-server.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import { type ClonedCommit, type CloneRequest, type GitClient } from './git-client.js';
import { type GitMirrorSettings, GitMirrorStore } from './git-mirror-store.js';
import { GitProgramClient } from './git-program-client.js';
import { IsomorphicGitClient } from './isomorphic-git-client.js';
import { ownProcessMark } from '../../common/child-process/process-mark.js';

const entry = transpileEntry('src/integrations/git/isomorphic-git-child.ts');
const AUTH = { username: 'ci', password: 'sesame-0pen-it' };
const CREDENTIALS = 'ci:sesame-0pen-it';
const allowPrivateUrls = ['127.0.0.0/8'];

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'millrace-mirror-'));
});
afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
  entry.remove();
});

const adapters: readonly [string, (mirrors: GitMirrorSettings) => GitClient][] = [
  [
    'isomorphic-git',
    (mirrors) => new IsomorphicGitClient({ childEntry: entry.path, mirrors, allowPrivateUrls }),
  ],
  ['git', (mirrors) => new GitProgramClient({ mirrors, allowPrivateUrls })],
];

describe.each(adapters)('mirrors of %s', (name, make) => {
  let folder: string;
  let server: GitHttpServer;
  let source: GitFixture;
  let settings: GitMirrorSettings;
  let client: GitClient;
  let lines: string[];
  let clones = 0;

  beforeEach(async () => {
    folder = await mkdtemp(join(scratch, 'case-'));
    await mkdir(join(folder, 'served'));
    source = await GitFixture.create('main');
    await commitFile('a.txt', 'one\n');
    await commitFile('b.txt', 'two\n');
    // Commits that no ref names are given, as the large forges do.
    await source.publish(join(folder, 'served'), 'repo', {
      'uploadpack.allowAnySHA1InWant': 'true',
    });
    await source.git('remote', 'add', 'served', join(folder, 'served', 'repo.git'));
    server = await GitHttpServer.start(join(folder, 'served'));
    settings = {
      folder: join(folder, 'mirrors'),
      maxBytes: 2 ** 30,
      maxAgeMs: 86_400_000,
      share: 'hard-link',
      // Every clone asks the remote; what was given just now has a spec of its own.
      givenMs: 0,
    };
    client = make(settings);
    lines = [];
  });
  afterEach(async () => {
    await client.close();
    await server.stop();
    source.remove();
  });

  const commitFile = async (file: string, text: string): Promise<string> => {
    await writeFile(join(source.directory, file), text);
    return source.commit(`write ${file}`);
  };
  const push = (...args: string[]): Promise<string> =>
    source.git('push', '-q', 'served', ...args, 'HEAD:refs/heads/main');
  const clone = async (
    request: Partial<CloneRequest> = {},
    by = client,
  ): Promise<ClonedCommit & { directory: string; packs: number; received: number }> => {
    const directory = join(folder, `clone-${++clones}`);
    const asked = server.seen.length;
    const sent = server.sentPackBytes;
    const commit = await by.clone(
      { url: server.url('repo'), directory, ...request },
      { signal: new AbortController().signal, progress: (line) => lines.push(line) },
    );
    const packs = server.seen.slice(asked).filter(({ fetch }) => fetch === true).length;
    const checks = [gitIn(directory, 'status', '--porcelain'), gitIn(directory, 'fsck')];
    const [status, fsck = ''] = await Promise.all(checks);
    expect(status).toBe('');
    expect(fsck.replaceAll(/^dangling .*$/gm, '').trim()).toBe('');
    return { ...commit, directory, packs, received: server.sentPackBytes - sent };
  };
  const packFiles = async (ending = '.pack'): Promise<readonly string[]> => {
    const found = await readdir(settings.folder, { recursive: true });
    return found.filter((path) => path.endsWith(ending)).map((path) => join(settings.folder, path));
  };

  it.each([1, 2, 0])('fetches nothing for the same commit again, at depth %d', async (depth) => {
    const first = await clone({ depth });
    expect(first.packs).toBe(1);
    for (const request of [{ depth }, { depth, branch: 'main' }, { depth, commit: first.sha }]) {
      const again = await clone(request);
      expect(again.sha).toBe(first.sha);
      expect(again.received).toBeLessThan(1_500);
      const count = await gitIn(again.directory, 'rev-list', '--count', 'HEAD');
      expect(count).toBe(depth === 1 ? '1' : '2');
    }
    const noise = await readdir(join(settings.folder, 'stage'));
    expect(noise).toEqual([]);
  });

  it.each([1, 0])('fetches only what is new, at depth %d', async (depth) => {
    await writeFile(join(source.directory, 'noise'), await noise(2_500_000));
    await source.commit('noise');
    await push();
    expect((await clone({ depth })).received).toBeGreaterThan(2_000_000);
    for (const number of [1, 2, 3]) {
      const sha = await commitFile('a.txt', `${number}\n`);
      await push();
      const next = await clone({ depth });
      expect(next).toMatchObject({ sha, packs: 1 });
      // isomorphic-git cannot add to a part of the history.
      if (name === 'git' || depth === 0) expect(next.received).toBeLessThan(20_000);
      expect(await readFile(join(next.directory, 'a.txt'), 'utf8')).toBe(`${number}\n`);
      const count = await gitIn(next.directory, 'rev-list', '--count', 'HEAD');
      expect(count).toBe(depth === 1 ? '1' : String(3 + number));
      const again = await clone({ depth });
      expect(again).toMatchObject({ sha, packs: 0 });
    }
    expect(lines.filter((line) => line.includes('mirror'))).toEqual([]);
  });

  it('asks the remote about a commit that no ref names, every time', async () => {
    const [older = ''] = (await source.git('rev-list', '--reverse', 'HEAD')).split('\n');
    expect(await clone({ commit: older })).toMatchObject({ sha: older, packs: 1 });
    const again = await clone({ commit: older });
    expect(again).toMatchObject({ sha: older, packs: 1 });
    if (name === 'git') expect(again.received).toBeLessThan(1000);
  });

  describe('a commit that was given just now', () => {
    const remembering = (): GitClient => make({ ...settings, givenMs: 60_000 });
    const asked = async (request: Partial<CloneRequest>, by: GitClient): Promise<number> => {
      const before = server.seen.length;
      await clone(request, by);
      return server.seen.length - before;
    };

    it('is not asked for again by the git program', async () => {
      const commit = (await source.git('rev-parse', 'HEAD')).trim();
      const by = remembering();
      expect(await asked({ commit }, by)).toBeGreaterThan(0);
      const again = await asked({ commit }, by);
      if (name === 'git') expect(again).toBe(0);
      else expect(again).toBeGreaterThan(0);
      // A branch may have moved meanwhile.
      expect(await asked({ branch: 'main' }, by)).toBeGreaterThan(0);
      await by.close();
    });

    it('is asked for by other credentials, and when time has passed', async () => {
      const commit = (await source.git('rev-parse', 'HEAD')).trim();
      const by = remembering();
      await clone({ commit }, by);
      const other = server.url('repo').replace('://', '://somebody:else@');
      expect(await asked({ commit, url: other }, by)).toBeGreaterThan(0);
      const given = join(settings.folder, 'given');
      for (const file of await filesBelow(given)) await utimes(file, 0, 0);
      expect(await asked({ commit }, by)).toBeGreaterThan(0);
      for (const file of await filesBelow(given)) await utimes(file, 0, 0);
      await new GitMirrorStore(settings).evict();
      expect(await filesBelow(given)).toEqual([]);
      await by.close();
    });
  });

  it('keeps nothing of a branch or tag that was removed or moved', async () => {
    await source.git('tag', '-a', '-m', 'nightly', 'nightly');
    await source.git('checkout', '-q', '-b', 'side');
    const side = await commitFile('side.txt', 'of the side\n');
    await source.git('push', '-q', 'served', 'side', 'nightly');
    const first = await clone({ depth: 0 });
    const tag = await gitIn(first.directory, 'rev-parse', 'nightly');
    await source.git('checkout', '-q', 'main');
    await source.git('tag', '-f', '-a', '-m', 'the next one', 'nightly');
    await source.git('push', '-q', '--force', 'served', 'nightly', ':side');
    const next = await clone({ depth: 0 });
    for (const gone of [tag, side]) {
      await expect(gitIn(next.directory, 'cat-file', '-e', gone)).rejects.toBeDefined();
    }
    expect(await gitIn(next.directory, 'rev-parse', 'nightly')).not.toBe(tag);
    expect(await clone({ depth: 0 })).toMatchObject({ packs: 0 });
  });

  it.each([1, 0])('gives no commit that the remote gives no more, depth %d', async (depth) => {
    const secret = await commitFile('secret.txt', 'pushed by mistake\n');
    await push();
    expect((await clone({ depth })).sha).toBe(secret);
    expect((await clone({ depth, commit: secret })).sha).toBe(secret);
    await source.git('reset', '-q', '--hard', 'HEAD~1');
    const sha = await commitFile('c.txt', 'instead\n');
    await push('--force');
    const bare = join(folder, 'served', 'repo.git');
    await source.git('--git-dir', bare, 'reflog', 'expire', '--expire=now', '--all');
    await source.git('--git-dir', bare, 'gc', '-q', '--prune=now');
    const failed = clone({ depth, commit: secret });
    await expect(failed).rejects.toMatchObject({ code: 'ref_not_found' });
    const next = await clone({ depth });
    expect(next.sha).toBe(sha);
    const object = gitIn(next.directory, 'cat-file', '-e', secret);
    await expect(object).rejects.toBeDefined();
  });

  it('is of no use to someone without the right to the remote, and keeps no credentials', async () => {
    const guarded = await GitHttpServer.start(join(folder, 'served'), { auth: AUTH });
    try {
      const url = guarded.url('repo', CREDENTIALS);
      await clone({ url });
      for (const wrong of [guarded.url('repo'), guarded.url('repo', 'ci:guess')]) {
        const directory = join(folder, 'thief');
        const error = await client
          .clone(
            { url: wrong, directory },
            { signal: new AbortController().signal, progress: () => undefined },
          )
          .catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'authentication_failed' });
        await expect(stat(directory)).rejects.toMatchObject({ code: 'ENOENT' });
      }
      const asked = guarded.seen.length;
      await clone({ url });
      const seen = guarded.seen.slice(asked);
      expect(seen.filter(({ fetch }) => fetch)).toEqual([]);
      expect(seen.some(({ authorization }) => authorization !== undefined)).toBe(true);
      expect((await stat(settings.folder)).mode & 0o777).toBe(0o700);
      for (const file of await filesBelow(settings.folder)) {
        const content = await readFile(file, 'latin1');
        expect(content).not.toContain(AUTH.password);
        expect(content).not.toContain(Buffer.from(CREDENTIALS).toString('base64'));
      }
    } finally {
      await guarded.stop();
    }
  });

  it('fetches once for ten clones at once, of two clients', async () => {
    const other = make(settings);
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, index) => clone({}, index % 2 === 0 ? client : other)),
    );
    await other.close();
    expect(new Set(all.map(({ sha }) => sha)).size).toBe(1);
    expect(server.seen.filter(({ fetch }) => fetch)).toHaveLength(1);
    expect(lines.filter((line) => line.includes('mirror'))).toEqual([]);
  });

  it.each<[string, (file: string) => Promise<void>, string]>([
    [
      'a pack cut in half',
      async (file) => truncate(file, Math.floor((await stat(file)).size / 2)),
      '.pack',
    ],
    ['a pack that grew', (file) => appendFile(file, 'x'), '.pack'],
    ['an empty pack', (file) => truncate(file, 0), '.pack'],
    ['a pack that is gone', (file) => rm(file), '.pack'],
    ['an index that is gone', (file) => rm(file), '.idx'],
    ['an index of something else', (file) => overwrite(file, -40, 20), '.idx'],
    ['a pack with another content', (file) => overwrite(file, 14, 60), '.pack'],
    [
      'a pack of which only its end is as it was',
      async (file) => overwrite(file, 12, (await stat(file)).size - 32),
      '.pack',
    ],
    ['a record cut in half', (file) => truncate(file, 40), 'entry.json'],
    [
      'a record of something else',
      (file) => writeFile(file, '{"version":1,"files":3}'),
      'entry.json',
    ],
  ])('makes again %s, and says so', async (_what, spoil, ending) => {
    const { sha } = await clone();
    for (const file of await packFiles(ending)) {
      await chmod(file, 0o600);
      await spoil(file);
    }
    expect(await clone()).toMatchObject({ sha, packs: 1 });
    const told = lines.filter((line) => /mirror.*damaged.*made again/.test(line));
    expect(told).toHaveLength(1);
    // It was made again by that clone.
    expect(await clone()).toMatchObject({ sha, packs: 0 });
  });

  it.each<[string, (lock: string) => Promise<unknown>]>([
    ['empty', (lock) => writeFile(lock, '')],
    ['of another program', (lock) => writeFile(lock, 'locked by me')],
    ['of a dead process', (lock) => writeFile(lock, ownProcessMark().replace(/\.\d+\./, '.1.'))],
    ['a folder', (lock) => mkdir(join(lock, 'x'), { recursive: true })],
  ])('waits for no stray lock: %s', async (_what, make_) => {
    await clone();
    const [entry_ = ''] = await packFiles('entry.json');
    await rm(join(entry_, '..'), { recursive: true });
    await make_(join(entry_, '..', '..', 'lock'));
    const start = performance.now();
    expect(await clone()).toMatchObject({ packs: 1 });
    expect(performance.now() - start).toBeLessThan(15_000);
    expect(lines.filter((line) => /stray lock/.test(line))).toHaveLength(1);
    expect(await clone()).toMatchObject({ packs: 0 });
  });

  it('leaves clones whole when their mirror goes', async () => {
    const { directory, sha } = await clone();
    await clone();
    await new GitMirrorStore(settings).evict(0);
    expect(await packFiles()).toEqual([]);
    expect(await gitIn(directory, 'fsck', '--no-dangling')).toBe('');
    expect(await gitIn(directory, 'rev-parse', 'HEAD')).toBe(sha);
    await rm(settings.folder, { recursive: true });
    expect((await clone()).sha).toBe(sha);
  });

  it('shares files by a link only where that is safe', async () => {
    await clone();
    const { directory } = await clone();
    const packs = join(directory, '.git', 'objects', 'pack');
    for (const file of await readdir(packs)) {
      const { nlink, mode } = await stat(join(packs, file));
      expect(nlink).toBeGreaterThan(1);
      expect(mode & 0o222).toBe(0);
    }
    await client.close();
    client = make({ ...settings, share: 'copy', folder: join(folder, 'copies') });
    await clone();
    const copied = join((await clone()).directory, '.git', 'objects', 'pack');
    for (const file of await readdir(copied)) {
      expect((await stat(join(copied, file))).nlink).toBe(1);
    }
  });

  it('clones without a mirror where none can be made', async () => {
    await writeFile(settings.folder, 'a file');
    expect((await clone()).packs).toBe(1);
    expect(lines.join('\n')).toMatch(/mirror.*could not be used/);
  });

  it('tells the submodules that it does not fetch', async () => {
    const other = '1'.repeat(40);
    await writeFile(
      join(source.directory, '.gitmodules'),
      '[submodule "x"]\n\tpath = lib/x\n\turl = ../x\n',
    );
    await source.git('add', '.gitmodules');
    await source.git('update-index', '--add', '--cacheinfo', `160000,${other},lib/x`);
    await source.git('commit', '-q', '-m', 'a submodule');
    await push();
    const directory = join(folder, 'with-submodule');
    await client.clone(
      { url: server.url('repo'), directory },
      { signal: new AbortController().signal, progress: (line) => lines.push(line) },
    );
    expect(lines.join('\n')).toMatch(/Submodules are not fetched.*lib\/x/);
    expect(await readdir(join(directory, 'lib/x'))).toEqual([]);
    expect(server.seen.every(({ url }) => url.startsWith('/repo.git/'))).toBe(true);
  });
});

async function overwrite(file: string, at: number, length: number): Promise<void> {
  const content = await readFile(file);
  const from = at < 0 ? content.length + at : at;
  for (let index = from; index < from + length; index++) {
    content[index] = (content[index] ?? 0) ^ 0x5a;
  }
  await writeFile(file, content);
}

async function noise(bytes: number): Promise<Buffer> {
  const { randomBytes } = await import('node:crypto');
  return randomBytes(bytes);
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((item) => item.isFile()).map((item) => join(item.parentPath, item.name));
}

async function gitIn(directory: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', ['-c', 'safe.directory=*', ...args], {
    cwd: directory,
    env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  });
  return stdout.trim();
}
