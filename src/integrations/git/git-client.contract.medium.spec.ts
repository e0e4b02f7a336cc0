import { execFile } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GitFixture, GitHttpServer } from '../../../test/support/git-http-server.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import { type Cloned, type CloneRequest, type GitClient, GitError } from './git-client.js';
import type { GitMirrorSettings } from './git-mirror-store.js';
import { GitProgramClient } from './git-program-client.js';
import { IsomorphicGitClient, type IsomorphicGitClientOptions } from './isomorphic-git-client.js';

const ODD_MESSAGE = 'Zeile eins: "quotes" $(id) `x` \u2603 \u{1f600}\n\nbody\twith tab\n-- \nend';
const ODD_AUTHOR = "J\u00f6rg O'Neil $HOME <j\u00f6rg+x@example.com>";
const TOKEN = 'ghp_s3cr3t/T0ken@%';
const USER = 'ci-bot';
const ENCODED = `${USER}:${encodeURIComponent(TOKEN)}`;
const TOKEN_FORMS = [
  TOKEN,
  encodeURIComponent(TOKEN),
  Buffer.from(`${USER}:${TOKEN}`).toString('base64'),
];

interface Fixture {
  readonly root: string;
  /** Oldest first, on trunk. */
  readonly shas: readonly string[];
  readonly featureSha: string;
  readonly tagObject: string;
}

let scratch: string;
let server: GitHttpServer;
let guarded: GitHttpServer;
let fixture: Fixture;
const entry = transpileEntry('src/integrations/git/isomorphic-git-child.ts');

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'millrace-clone-'));
  fixture = await makeFixture(join(scratch, 'served'));
  server = await GitHttpServer.start(fixture.root);
  guarded = await GitHttpServer.start(fixture.root, { auth: { username: USER, password: TOKEN } });
});

afterEach(() => {
  server.behaviour = { kind: 'serve' };
  guarded.behaviour = { kind: 'serve' };
});

afterAll(async () => {
  await server.stop();
  await guarded.stop();
  await rm(scratch, { recursive: true, force: true });
  entry.remove();
});

async function makeFixture(root: string): Promise<Fixture> {
  await mkdir(root);
  const repository = await GitFixture.create('trunk');
  const at = (name: string): string => join(repository.directory, name);
  const shas: string[] = [];
  for (const number of [1, 2, 3, 4]) {
    await writeFile(at('count.txt'), `${number}\n`);
    shas.push(await repository.commit(`commit ${number}`));
  }
  await mkdir(at('bin'));
  await mkdir(at('deep/er'), { recursive: true });
  await writeFile(at('bin/tool'), '#!/bin/sh\necho tool\n');
  await chmod(at('bin/tool'), 0o755);
  await symlink('count.txt', at('link'));
  await symlink('../../../../../../etc/passwd', at('deep/outside'));
  await writeFile(at('deep/er/\u00fcml\u00e4ut \u2603.txt'), 'snow');
  await writeFile(at('empty'), '');
  await writeFile(at('deep.txt'), 'sorts before deep/');
  await writeFile(at('binary'), Buffer.from([0, 255, 13, 10, 0]));
  shas.push(await repository.commit(ODD_MESSAGE, ODD_AUTHOR));
  await repository.git('tag', 'light', shas[2] ?? '');
  await repository.git('tag', '-a', '-m', 'a release', 'v1.0', shas[3] ?? '');
  const tagObject = await repository.git('rev-parse', 'v1.0');
  // A tag and a branch of one name, on different commits.
  await repository.git('tag', 'same-name', shas[0] ?? '');
  await repository.git('branch', 'same-name', shas[1] ?? '');
  await repository.git('checkout', '-q', '-b', 'feature/x', shas[1] ?? '');
  await writeFile(at('feature.txt'), 'f');
  const featureSha = await repository.commit('feature');
  await repository.git('tag', '-a', '-m', 'not of trunk', 'on-feature');
  await repository.git('checkout', '-q', 'trunk');
  await repository.git('tag', '-a', '-m', 'a tag of a tag', 'nested', 'v1.0');
  await repository.publish(root, 'repo');
  await repository.publish(root, 'generous', { 'uploadpack.allowAnySHA1InWant': 'true' });
  // Version 0 of the protocol is the one that refuses a commit which no ref names.
  await repository.publish(root, 'strict', { 'protocol.version': '0' });
  for (const [depth, name] of [
    [2, 'shallow'],
    [1, 'one-commit'],
  ] as const) {
    await repository.git(
      ...['clone', '-q', '--bare', `--depth=${depth}`, `file://${join(root, 'repo.git')}`],
      join(root, `${name}.git`),
    );
  }
  repository.remove();
  const empty = await GitFixture.create('trunk');
  await empty.publish(root, 'empty');
  empty.remove();
  await makeBig(root);
  return { root, shas, featureSha, tagObject };
}

/** About 4 MB that does not compress. */
async function makeBig(root: string): Promise<void> {
  const big = await GitFixture.create('main');
  const { randomBytes } = await import('node:crypto');
  for (let file = 0; file < 16; file++) {
    await writeFile(join(big.directory, `noise-${file}`), randomBytes(256 * 1024));
  }
  await big.commit('noise');
  await big.publish(root, 'big');
  big.remove();
}

const allowPrivateUrls = ['127.0.0.0/8'];
const mirrors = (share: GitMirrorSettings['share']): GitMirrorSettings => ({
  folder: join(scratch, `mirrors-${share}`),
  maxBytes: 2 ** 30,
  maxAgeMs: 86_400_000,
  share,
});
const isomorphicGit = (options: IsomorphicGitClientOptions = {}): GitClient =>
  new IsomorphicGitClient({ childEntry: entry.path, allowPrivateUrls, ...options });
const adapters: readonly [string, () => GitClient & { close?: () => Promise<void> }][] = [
  ['isomorphic-git', () => isomorphicGit()],
  ['git', () => new GitProgramClient({ allowPrivateUrls })],
  ['isomorphic-git with mirrors', () => isomorphicGit({ mirrors: mirrors('hard-link') })],
  ['git with mirrors', () => new GitProgramClient({ allowPrivateUrls, mirrors: mirrors('copy') })],
];

describe.each(adapters)('GitClient contract: %s', (name, make) => {
  let client: ReturnType<typeof make>;
  let folder: string;
  let lines: string[];

  beforeAll(() => {
    client = make();
  });
  afterAll(async () => {
    await client.close?.();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(scratch, 'work-'));
    lines = [];
  });

  const target = (): string => join(folder, 'a', 'clone');
  const clone = (
    request: Partial<CloneRequest>,
    signal = new AbortController().signal,
  ): Promise<Cloned> =>
    client.clone(
      { url: server.url('repo'), directory: target(), ...request },
      { signal, progress: (line) => lines.push(line) },
    );
  const failure = async (
    request: Partial<CloneRequest>,
    signal?: AbortSignal,
  ): Promise<GitError> => {
    const error = await clone(request, signal).then(
      () => new Error('the clone succeeded'),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(GitError);
    return error as GitError;
  };
  // Not synchronous: the server that it may ask lives in this process.
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)('git', ['-c', 'safe.directory=*', ...args], {
      cwd: target(),
      env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    });
    return stdout.trim();
  };
  const sha = (index: number): string => fixture.shas[index] ?? '';
  const expectNothingLeft = async (): Promise<void> => {
    expect(await readdir(folder)).toEqual([]);
  };

  it('writes only what is asked for, and misses nothing that is not there', async () => {
    const commit = sha(4);
    const { message } = await clone({ commit, only: ['count.txt', 'deep', 'absent'] });
    expect(message).toContain('Zeile eins');
    expect((await readdir(target())).filter((entry) => entry !== '.git').sort()).toEqual([
      'count.txt',
      'deep',
    ]);
    expect(await readdir(join(target(), 'deep', 'er'))).toHaveLength(1);
  });

  it.each(['../count.txt', 'deep/er', '', '.', '*', '!deep'])(
    'refuses "%s" as what is to be written alone',
    async (only) => {
      expect((await failure({ only: [only] })).code).toBe('invalid_request');
      await expectNothingLeft();
    },
  );

  it('names itself', () => {
    expect(name.split(' with ')[0]).toBe(client.name);
  });

  it('clones the default branch, whatever its name, at depth 1', async () => {
    const commit = await clone({});
    expect(commit).toEqual({
      sha: sha(4),
      message: ODD_MESSAGE,
      author: ODD_AUTHOR,
      branch: 'trunk',
    });
    expect(await git('rev-parse', 'HEAD')).toBe(sha(4));
    expect(await git('symbolic-ref', 'HEAD')).toBe('refs/heads/trunk');
    expect(await git('rev-list', '--count', 'HEAD')).toBe('1');
  });

  it('leaves a repository that the git program finds clean and whole', async () => {
    await clone({});
    expect(await git('status', '--porcelain=v2', '--branch')).toMatch(
      /# branch.upstream origin\/trunk/,
    );
    expect(await git('status', '--porcelain')).toBe('');
    expect(await git('fsck', '--no-dangling')).toBe('');
    expect(await git('remote', 'get-url', 'origin')).toBe(server.url('repo'));
    expect(await git('diff', 'HEAD')).toBe('');
    await git('fetch', '-q', '--unshallow', 'origin');
    expect(await git('rev-list', '--count', 'HEAD')).toBe('5');
  });

  it('writes the executable bit, symbolic links, binary and unicode files', async () => {
    await clone({});
    const at = (file: string): string => join(target(), file);
    expect((await stat(at('bin/tool'))).mode & 0o111).not.toBe(0);
    expect((await stat(at('count.txt'))).mode & 0o111).toBe(0);
    expect(await readlink(at('link'))).toBe('count.txt');
    expect(await readlink(at('deep/outside'))).toBe('../../../../../../etc/passwd');
    expect(await readFile(at('deep/er/\u00fcml\u00e4ut \u2603.txt'), 'utf8')).toBe('snow');
    expect(await readFile(at('binary'))).toEqual(Buffer.from([0, 255, 13, 10, 0]));
    expect(await readFile(at('empty'), 'utf8')).toBe('');
  });

  it('clones a branch', async () => {
    const commit = await clone({ branch: 'feature/x' });
    expect(commit).toEqual({
      sha: fixture.featureSha,
      message: 'feature',
      author: 'Ada Lovelace <ada@example.com>',
      branch: 'feature/x',
    });
    expect(await git('symbolic-ref', 'HEAD')).toBe('refs/heads/feature/x');
    expect(await git('rev-parse', '@{upstream}')).toBe(fixture.featureSha);
    expect(await git('status', '--porcelain')).toBe('');
  });

  it('clones a tag, light or annotated, with HEAD on its commit', async () => {
    expect((await clone({ tag: 'light' })).sha).toBe(sha(2));
    await rm(target(), { recursive: true });
    expect((await clone({ tag: 'v1.0' })).sha).toBe(sha(3));
    expect(await git('rev-parse', 'v1.0')).toBe(fixture.tagObject);
    expect(await git('rev-parse', 'HEAD')).toBe(sha(3));
    expect(await git('rev-parse', '--abbrev-ref', 'HEAD')).toBe('HEAD');
    expect(await git('status', '--porcelain')).toBe('');
  });

  it('tells a branch and a tag of one name apart', async () => {
    expect((await clone({ tag: 'same-name' })).sha).toBe(sha(0));
    await rm(target(), { recursive: true });
    expect((await clone({ branch: 'same-name' })).sha).toBe(sha(1));
  });

  it.each(['repo', 'generous', 'strict'])(
    'clones a commit outside the depth from %s',
    async (repository) => {
      const url = server.url(repository);
      expect((await clone({ url, commit: sha(1) })).sha).toBe(sha(1));
      expect(await git('rev-parse', 'HEAD')).toBe(sha(1));
      expect(await git('status', '--porcelain')).toBe('');
      expect(await readFile(join(target(), 'count.txt'), 'utf8')).toBe('2\n');
    },
  );

  it.each([
    ['shallow', 1, '1'],
    ['shallow', 0, '2'],
    ['one-commit', 1, '1'],
    ['one-commit', 0, '1'],
  ])(
    'clones from a remote that is itself a shallow clone (%s), depth %i',
    async (repository, depth, commits) => {
      expect((await clone({ url: server.url(repository), depth })).sha).toBe(sha(4));
      expect(await git('rev-list', '--count', 'HEAD')).toBe(commits);
      expect(await git('status', '--porcelain')).toBe('');
    },
  );

  it('honours the depth for a commit that the server gives alone', async () => {
    const url = server.url('generous');
    await clone({ url, commit: sha(2), depth: 2 });
    expect(await git('rev-list', '--count', 'HEAD')).toBe('2');
  });

  it('clones a commit by a prefix: a tip, and one deep in the history', async () => {
    expect((await clone({ commit: sha(4).slice(0, 7).toUpperCase() })).sha).toBe(sha(4));
    expect(await git('rev-list', '--count', 'HEAD')).toBe('1');
    await rm(target(), { recursive: true });
    expect((await clone({ commit: sha(1).slice(0, 9), branch: 'trunk' })).sha).toBe(sha(1));
    expect(await git('status', '--porcelain')).toBe('');
  });

  it('refuses a commit that is not there, and a tag object given as a commit', async () => {
    const missing = await failure({ commit: 'deadbeef'.repeat(5) });
    expect(missing.code).toBe('ref_not_found');
    expect((await failure({ commit: 'deadbeef' })).code).toBe('ref_not_found');
    await expectNothingLeft();
  });

  it('clones as much history as the depth says, and all of it for 0', async () => {
    await clone({ depth: 3 });
    expect(await git('rev-list', '--count', 'HEAD')).toBe('3');
    await rm(target(), { recursive: true });
    await clone({ depth: 0 });
    expect(await git('rev-list', '--count', 'HEAD')).toBe('5');
    expect(await git('rev-parse', '--is-shallow-repository')).toBe('false');
  });

  it('claims no branch for a tag or a commit', async () => {
    for (const request of [
      { tag: 'light' },
      { commit: sha(4) },
      { commit: sha(1) },
      { commit: sha(4), depth: 0 },
    ]) {
      expect(await clone(request)).not.toHaveProperty('branch');
      await rm(target(), { recursive: true });
    }
  });

  describe('branches and tags', () => {
    const refs = async (directory = target()): Promise<string[]> => {
      const format = '--format=%(refname) %(objectname) %(symref)';
      const all = await git('-C', directory, 'for-each-ref', format);
      return all.split('\n').filter((line) => line !== '');
    };
    const tags = async (): Promise<string[]> =>
      (await refs()).flatMap((line) => /^refs\/tags\/(\S+)/.exec(line)?.[1] ?? []);

    it.each<[string, Partial<CloneRequest>, string[]]>([
      ['the default branch', {}, []],
      ['a branch', { branch: 'feature/x' }, ['-b', 'feature/x']],
      ['a tag', { tag: 'v1.0' }, ['-b', 'v1.0']],
    ])('come with all of the history as `git clone` has them: %s', async (_what, request, args) => {
      // The second one comes from the mirror, where there is one.
      for (let time = 0; time < 2; time++) {
        await clone({ ...request, depth: 0 });
        const plain = join(folder, `plain-${time}`);
        await git('clone', '-q', ...args, server.url('repo'), plain);
        expect(await refs()).toEqual(await refs(plain));
        expect(await git('rev-parse', 'HEAD')).toBe(await git('-C', plain, 'rev-parse', 'HEAD'));
        expect(await git('rev-parse', 'nested^{commit}')).toBe(sha(3));
        expect(await git('fsck', '--no-dangling', '--strict')).toBe('');
        await rm(target(), { recursive: true });
      }
    });

    it('come with a commit of all of the history, which they name', async () => {
      await clone({ commit: sha(4), depth: 0 });
      expect(await git('describe', '--tags', '--always')).toMatch(/^(nested|v1\.0)-1-g[0-9a-f]+$/);
      expect(await tags()).toEqual(['light', 'nested', 'on-feature', 'same-name', 'v1.0']);
      expect(await git('rev-parse', 'origin/feature/x')).toBe(fixture.featureSha);
    });

    it('tags come with a part of the history where they are asked for', async () => {
      for (let time = 0; time < 2; time++) {
        await clone({ tags: true });
        expect(await tags()).toEqual(['light', 'nested', 'on-feature', 'same-name', 'v1.0']);
        expect(await git('rev-parse', 'v1.0')).toBe(fixture.tagObject);
        expect(await git('rev-list', '--count', 'HEAD')).toBe('1');
        expect(await git('log', '-1', '--format=%s', 'on-feature')).toBe('feature');
        expect(await git('fsck', '--no-dangling')).toBe('');
        await rm(target(), { recursive: true });
      }
    });

    it('tags do not come with a part of the history by itself, nor where they are not wanted', async () => {
      await clone({ depth: 3 });
      expect((await refs()).map((line) => line.split(' ')[0])).toEqual([
        'refs/heads/trunk',
        'refs/remotes/origin/HEAD',
        'refs/remotes/origin/trunk',
      ]);
      await rm(target(), { recursive: true });
      await clone({ depth: 0, tags: false });
      expect(await tags()).toEqual([]);
    });

    it('that were made, moved or removed since are as the remote has them', async () => {
      const { root } = fixture;
      const bare = join(root, `tags-${name.replaceAll(' ', '-')}.git`);
      const remote = async (...args: string[]): Promise<string> => {
        const env = {
          PATH: process.env.PATH,
          GIT_CONFIG_GLOBAL: '/dev/null',
          GIT_COMMITTER_NAME: 'a',
          GIT_COMMITTER_EMAIL: 'a@b',
        };
        const { stdout } = await promisify(execFile)('git', args, { cwd: bare, env });
        return stdout.trim();
      };
      await promisify(execFile)('git', ['clone', '-q', '--mirror', join(root, 'repo.git'), bare]);
      const url = `${server.url('repo').replace('/repo.git', '')}/${bare.split('/').pop() ?? ''}`;
      await clone({ url, depth: 0 });
      await rm(target(), { recursive: true });
      await remote('tag', '-d', 'v1.0', 'nested');
      await remote('tag', '-f', 'light', sha(0));
      await remote('tag', '-a', '-m', 'new', 'v2.0', sha(4));
      await clone({ url, depth: 0 });
      expect(await tags()).toEqual(['light', 'on-feature', 'same-name', 'v2.0']);
      expect(await git('rev-parse', 'light')).toBe(sha(0));
      expect(await git('describe')).toBe('v2.0');
      // What was removed is not there either, by its SHA.
      await expect(git('cat-file', '-e', fixture.tagObject)).rejects.toThrow();
    });
  });

  it('refuses an empty repository with what to do', async () => {
    const error = await failure({ url: server.url('empty') });
    expect(error).toMatchObject({ code: 'ref_not_found', retryable: false });
    expect(error.message).toMatch(/empty/);
    await expectNothingLeft();
  });

  it('refuses a branch or tag that is not there, by its name', async () => {
    const branch = await failure({ branch: 'nowhere' });
    expect(branch).toMatchObject({ code: 'ref_not_found', retryable: false });
    expect(branch.message).toMatch(/branch nowhere/);
    expect((await failure({ tag: 'feature/x' })).code).toBe('ref_not_found');
    expect((await failure({ branch: 'v1.0' })).code).toBe('ref_not_found');
    await expectNothingLeft();
  });

  it('refuses a repository that is not there', async () => {
    const error = await failure({ url: server.url('nothing') });
    expect(error).toMatchObject({ code: 'repository_not_found', retryable: false });
  });

  it.each([
    ['nothing', ''],
    ['a wrong token', `${USER}:wrong-token`],
  ])('says that authentication failed, with %s', async (_what, credentials) => {
    const error = await failure({ url: guarded.url('repo', credentials) });
    expect(error).toMatchObject({ code: 'authentication_failed', retryable: false });
    expect(error.message).not.toContain('wrong-token');
    await expectNothingLeft();
  });

  it('clones with credentials that are nowhere afterwards', async () => {
    expect((await clone({ url: guarded.url('repo', ENCODED), commit: sha(1) })).sha).toBe(sha(1));
    expect(guarded.seen.some((request) => request.authorization !== undefined)).toBe(true);
    await expectNoCredentials(folder);
    expect(lines.length).toBeGreaterThan(0);
    for (const form of TOKEN_FORMS) expect(lines.join('\n')).not.toContain(form);
    expect(await git('remote', 'get-url', 'origin')).toBe(guarded.url('repo'));
  });

  it('tells no credentials and no path of ours in any error', async () => {
    const texts: string[] = [];
    for (const request of [
      { url: guarded.url('repo', ENCODED), branch: 'nowhere' },
      { url: guarded.url('nothing', ENCODED) },
      { url: `http://${ENCODED}@127.0.0.1:1/repo.git` },
      { url: `ftp://${ENCODED}@127.0.0.1/repo.git` },
      { url: `http://${ENCODED}@127.0.0.1:port/repo.git` },
    ]) {
      texts.push((await failure(request)).message);
    }
    for (const form of [...TOKEN_FORMS, scratch]) expect(texts.join('\n')).not.toContain(form);
  });

  it('follows a redirect, but takes no credentials to another origin', async () => {
    server.behaviour = {
      kind: 'redirect',
      to: guarded.url('x').replace('/x.git', ''),
      status: 301,
    };
    const before = guarded.seen.length;
    const url = server.url('repo', ENCODED);
    expect((await failure({ url })).code).toBe('authentication_failed');
    const arrived = guarded.seen.slice(before);
    expect(arrived.length).toBeGreaterThan(0);
    expect(arrived.filter((request) => request.authorization !== undefined)).toEqual([]);

    guarded.behaviour = {
      kind: 'redirect',
      to: server.url('x').replace('/x.git', ''),
      status: 301,
    };
    server.behaviour = { kind: 'serve' };
    expect((await clone({ url: guarded.url('repo') })).sha).toBe(sha(4));
  });

  it('says that a closed port is unreachable, and worth another try', async () => {
    const error = await failure({ url: 'http://127.0.0.1:1/repo.git' });
    expect(error).toMatchObject({ code: 'unreachable', retryable: true });
    await expectNothingLeft();
  });

  it('says that a server which fails or breaks off is unreachable', async () => {
    server.behaviour = { kind: 'status', status: 503 };
    expect(await failure({})).toMatchObject({ code: 'unreachable', retryable: true });
    server.behaviour = { kind: 'close', afterBytes: 100_000 };
    const error = await failure({ url: server.url('big') });
    expect(error).toMatchObject({ code: 'unreachable', retryable: true });
    await expectNothingLeft();
  });

  it('aborts in the middle: no process is left, the directory is as it was found', async () => {
    server.behaviour = { kind: 'stall', afterBytes: 100_000 };
    const existing = join(folder, 'existing');
    await mkdir(existing);
    const abort = new AbortController();
    const asked = server.seen.length;
    const running = failure({ url: server.url('big'), directory: existing }, abort.signal);
    await until(() => server.seen.slice(asked).some((request) => request.method === 'POST'));
    let children: readonly number[] = [];
    await until(async () => (children = await fetchingChildren()).length > 0);
    abort.abort();
    expect(await running).toMatchObject({ code: 'aborted', retryable: false });
    expect(await Promise.all(children.map(isRunning))).toEqual(children.map(() => false));
    expect(await readdir(existing)).toEqual([]);
  });

  it('does not begin when it is aborted before', async () => {
    const seen = server.seen.length;
    expect((await failure({}, AbortSignal.abort())).code).toBe('aborted');
    expect(server.seen.length).toBe(seen);
    await expectNothingLeft();
  });

  it.each<[string, Partial<CloneRequest>]>([
    ['a scheme that is not allowed', { url: 'file:///etc' }],
    ['an option as URL', { url: '--upload-pack=touch /tmp/x' }],
    ['a helper as URL', { url: 'ext::sh -c id' }],
    ['a branch like an option', { branch: '--upload-pack=x' }],
    ['a branch with a line break', { branch: 'a\nb' }],
    ['a tag that climbs', { tag: '../../config' }],
    ['branch and tag', { branch: 'a', tag: 'b' }],
    ['a short commit', { commit: 'abc' }],
    ['a commit that is none', { commit: 'HEAD~1--' }],
    ['a negative depth', { depth: -1 }],
    ['a relative directory', { directory: 'here' }],
    ['credentials with a line break', { url: 'http://a:b%0ahost=evil@127.0.0.1/x.git' }],
  ])('refuses %s', async (_what, request) => {
    const seen = server.seen.length;
    expect(await failure(request)).toMatchObject({ code: 'invalid_request', retryable: false });
    expect(server.seen.length).toBe(seen);
    await expectNothingLeft();
  });

  it('refuses a directory with something in it, and leaves it alone', async () => {
    await mkdir(target(), { recursive: true });
    await writeFile(join(target(), 'mine'), 'x');
    expect((await failure({})).code).toBe('invalid_request');
    expect(await readdir(target())).toEqual(['mine']);
  });

  it('runs ten clones at once', async () => {
    const numbers = Array.from({ length: 10 }, (_, number) => number);
    const commits = await Promise.all(
      numbers.map((number) => clone({ directory: join(folder, `clone-${number}`) })),
    );
    expect(commits.map((commit) => commit.sha)).toEqual(numbers.map(() => sha(4)));
    for (const number of numbers) {
      expect(await readFile(join(folder, `clone-${number}`, 'count.txt'), 'utf8')).toBe('4\n');
    }
  });
});

async function expectNoCredentials(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((found) => found.isFile());
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    const content = await readFile(join(file.parentPath, file.name), 'latin1');
    for (const form of TOKEN_FORMS) {
      if (content.includes(form)) throw new Error(`${file.name} holds the credentials`);
    }
  }
}

/** Children of this process that fetch. */
async function fetchingChildren(): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found: number[] = [];
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
    const ours = new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status);
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (ours && (command.includes('\0fetch\0') || command.includes(entry.path))) found.push(pid);
  }
  return found;
}

/** A zombie that init has not reaped yet runs no more. */
async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => 'State:\tX');
  return !/^State:\s+[ZX]/m.test(status);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true in 20 s');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
