import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GitFixture, GitHttpServer } from '../../../test/support/git-http-server.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import type { Cloned, CloneRequest, GitClient } from './git-client.js';
import type { GitMirrorSettings } from './git-mirror-store.js';
import { GitProgramClient } from './git-program-client.js';
import { IsomorphicGitClient } from './isomorphic-git-client.js';

const AUTH = { username: 'ci', password: 'sesame-0pen-it' };
const CREDENTIALS = 'ci:sesame-0pen-it';
const entry = transpileEntry('src/integrations/git/isomorphic-git-child.ts');
const allowPrivateUrls = ['127.0.0.1'];
let scratch: string;
let served: string;
/** Needs the credentials. */
let server: GitHttpServer;
/** Of another origin, open to all. */
let other: GitHttpServer;
/** On an address that no clone may reach. */
let forbidden: GitHttpServer;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'millrace-submodules-'));
  served = join(scratch, 'served');
  await mkdir(served);
  server = await GitHttpServer.start(served, { auth: AUTH });
  other = await GitHttpServer.start(served);
  forbidden = await GitHttpServer.start(served, { address: '127.0.0.2' });
});
beforeEach(() => {
  for (const one of [server, other, forbidden]) one.seen.length = 0;
});
afterAll(async () => {
  for (const one of [server, other, forbidden]) await one.stop();
  await rm(scratch, { recursive: true, force: true });
  entry.remove();
});

interface Declared {
  readonly path: string;
  readonly url: string;
  readonly sha: string;
}

/** A repository with a file, and submodules where they are given; the SHA of its commit. */
async function publish(name: string, submodules: readonly Declared[] = []): Promise<string> {
  const fixture = await GitFixture.create('main');
  await writeFile(join(fixture.directory, 'file'), `of ${name}\n`);
  const sections = submodules.map(
    ({ path, url }) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`,
  );
  if (sections.length > 0)
    await writeFile(join(fixture.directory, '.gitmodules'), sections.join(''));
  await fixture.git('add', '-A');
  for (const { path, sha } of submodules) {
    await fixture.git('update-index', '--add', '--cacheinfo', `160000,${sha},${path}`);
  }
  await fixture.git('commit', '-q', '-m', name);
  const sha = await fixture.git('rev-parse', 'HEAD');
  await fixture.publish(served, name, { 'uploadpack.allowAnySHA1InWant': 'true' });
  fixture.remove();
  return sha;
}

const git = async (directory: string, ...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)('git', ['-c', 'safe.directory=*', ...args], {
    cwd: directory,
    env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  });
  return stdout.trim();
};

const makers: readonly [string, (mirrors: GitMirrorSettings) => GitClient][] = [
  [
    'isomorphic-git',
    (mirrors) => new IsomorphicGitClient({ childEntry: entry.path, allowPrivateUrls, mirrors }),
  ],
  ['git', (mirrors) => new GitProgramClient({ allowPrivateUrls, mirrors })],
];

describe.each(makers)('submodules: %s', (name, make) => {
  let client: GitClient;
  let folder: string;
  let lines: string[];
  let shas: { inner: string; middle: string };
  const named = (repository: string): string => `${repository}-${name}`;

  beforeAll(async () => {
    const inner = await publish(named('inner'));
    const middle = await publish(named('middle'), [
      { path: 'in', url: `../${named('inner')}.git`, sha: inner },
    ]);
    shas = { inner, middle };
    await publish(named('outer'), [
      { path: 'lib/middle', url: `../${named('middle')}.git`, sha: middle },
    ]);
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(scratch, 'work-'));
    lines = [];
    client = make({
      folder: join(folder, 'mirrors'),
      maxBytes: 2 ** 30,
      maxAgeMs: 86_400_000,
      share: 'copy',
    });
  });
  afterEach(() => client.close());

  const target = (): string => join(folder, 'clone');
  const at = (path: string): string => join(target(), path);
  const clone = (repository: string, request: Partial<CloneRequest>): Promise<Cloned> =>
    client.clone(
      { url: server.url(named(repository), CREDENTIALS), directory: target(), ...request },
      { signal: new AbortController().signal, progress: (line) => lines.push(line) },
    );
  const fails = async (submodule: Declared, pattern: RegExp, code: string): Promise<void> => {
    const repository = `bad-${Math.random().toString(36).slice(2)}`;
    await publish(named(repository), [submodule]);
    const error = await clone(repository, { submodules: true }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toMatch(pattern);
    expect((error as Error).message).not.toContain(AUTH.password);
    await expect(stat(target())).rejects.toMatchObject({ code: 'ENOENT' });
  };

  it('are named and not fetched unless they are asked for', async () => {
    await clone('outer', {});
    expect(lines.join('\n')).toMatch(/Submodules are not fetched.*lib\/middle.*submodules: true/);
    expect(await readdir(at('lib/middle'))).toEqual([]);
    expect(server.seen.every(({ url }) => url.startsWith(`/${named('outer')}.git/`))).toBe(true);
  });

  it('true: those of the repository, and not theirs', async () => {
    await clone('outer', { submodules: true });
    expect(await readFile(at('lib/middle/file'), 'utf8')).toBe(`of ${named('middle')}\n`);
    expect(await readdir(at('lib/middle/in'))).toEqual([]);
    expect(await git(at('lib/middle'), 'rev-parse', 'HEAD')).toBe(shas.middle);
    expect(lines.join('\n')).toMatch(/Submodules are not fetched.*: in\./);
  });

  it('recursive: theirs too, with the credentials of the origin, which are kept nowhere', async () => {
    await clone('outer', { submodules: 'recursive' });
    expect(await readFile(at('lib/middle/in/file'), 'utf8')).toBe(`of ${named('inner')}\n`);
    expect(await git(target(), 'status', '--porcelain')).toBe('');
    const status = await git(target(), 'submodule', 'status', '--recursive');
    expect(status.split('\n').map((line) => line.trim().split(' ').slice(0, 2))).toEqual([
      [shas.middle, 'lib/middle'],
      [shas.inner, 'lib/middle/in'],
    ]);
    expect(lines.join('\n')).not.toContain(AUTH.password);
    const files = await readdir(target(), { recursive: true, withFileTypes: true });
    for (const file of files.filter((one) => one.isFile())) {
      const content = await readFile(join(file.parentPath, file.name), 'latin1');
      expect(content).not.toContain(AUTH.password);
    }
    // Once more: each comes from its own mirror.
    await rm(target(), { recursive: true });
    server.seen.length = 0;
    await clone('outer', { submodules: 'recursive' });
    expect(server.seen.filter(({ fetch }) => fetch)).toEqual([]);
  });

  it('of a stranger: the repository itself gets the credentials, no submodule does', async () => {
    const own = { submodules: 'recursive', ownCredentialsOnly: true } as const;
    const error = await clone('outer', own).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'authentication_failed' });
    expect((error as Error).message).toMatch(/Submodule lib\/middle: .*gets no credentials/);
    const asked = (repository: string) =>
      server.seen.filter(({ url }) => url.startsWith(`/${named(repository)}.git/`));
    const sent = ({ authorization }: { authorization?: string | undefined }) =>
      authorization !== undefined;
    expect(asked('outer').some(sent)).toBe(true);
    expect(asked('middle').length).toBeGreaterThan(0);
    expect(asked('middle').filter(sent)).toEqual([]);
    // A mirror that others have filled makes no difference.
    await clone('outer', { submodules: 'recursive' });
    await rm(target(), { recursive: true });
    await expect(clone('outer', own)).rejects.toMatchObject({ code: 'authentication_failed' });
  });

  it('of a stranger: those that are open to all are cloned', async () => {
    const sha = await publish(named('public'));
    const url = other.url(named('public'));
    await publish(named('fork'), [{ path: 'sub', url, sha }]);
    await clone('fork', { submodules: true, ownCredentialsOnly: true });
    expect(await readFile(at('sub/file'), 'utf8')).toBe(`of ${named('public')}\n`);
  });

  it('of a stranger: none is asked for by ssh, with the keys of this machine', async () => {
    const url = 'ssh://git@elsewhere.example/a/b.git';
    await publish(named('by-ssh'), [{ path: 'sub', url, sha: shas.inner }]);
    const cloning = clone('by-ssh', { submodules: true, ownCredentialsOnly: true });
    await expect(cloning).rejects.toMatchObject(
      name === 'git'
        ? { code: 'failed', message: expect.stringContaining('asked for by ssh') }
        : { code: 'invalid_request' },
    );
  });

  it('take no credentials to another origin', async () => {
    const sha = await publish(named('open'));
    const url = other.url(named('open'));
    await publish(named('abroad'), [{ path: 'sub', url, sha }]);
    await clone('abroad', { submodules: true });
    expect(await readFile(at('sub/file'), 'utf8')).toBe(`of ${named('open')}\n`);
    expect(other.seen.length).toBeGreaterThan(0);
    expect(other.seen.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });

  it('are held to the addresses that a clone may reach', async () => {
    const url = forbidden.url(named('inner'), '', '127.0.0.2');
    await fails({ path: 'sub', url, sha: shas.inner }, /^Submodule sub: .*127/, 'address_refused');
    expect(forbidden.seen).toEqual([]);
  });

  it.each([
    ['file:///etc', 'invalid_request'],
    ['ext::sh -c id', 'invalid_request'],
    ['-u./payload', 'invalid_request'],
    ['/etc', 'invalid_request'],
    ['git@elsewhere.example:a/b.git', 'invalid_request'],
    ['http://user:token@127.0.0.1/x.git', 'failed'],
  ])('refuses the URL %s', async (url, code) => {
    await fails({ path: 'sub', url, sha: shas.inner }, /^Submodule sub: /, code);
  });

  it('says which one has no URL, and which commit is not there', async () => {
    const url = `../${named('inner')}.git`;
    await fails(
      { path: 'sub', url, sha: 'd'.repeat(40) },
      /^Submodule sub: .*no commit d+/,
      'ref_not_found',
    );
    const fixture = await GitFixture.create('main');
    await fixture.git('update-index', '--add', '--cacheinfo', `160000,${shas.inner},x`);
    await fixture.git('commit', '-q', '-m', 'no URL');
    await fixture.publish(served, named('undeclared'));
    fixture.remove();
    await expect(clone('undeclared', { submodules: true })).rejects.toThrow(
      /Submodule x: .*no URL/,
    );
  });

  it('end somewhere: a repository that holds itself', async () => {
    // A commit cannot hold its own SHA, but a chain of repositories may be as long as somebody
    // likes.
    let sha = shas.inner;
    let below = 'inner';
    for (let level = 0; level < 11; level++) {
      const next = `chain-${level}`;
      sha = await publish(named(next), [{ path: 's', url: `../${named(below)}.git`, sha }]);
      below = next;
    }
    await expect(clone(below, { submodules: 'recursive' })).rejects.toMatchObject({
      code: 'failed',
    });
    await expect(clone(below, { submodules: 'recursive' })).rejects.toThrow(
      /nested deeper than 10/,
    );
  });
});
