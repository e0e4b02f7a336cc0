import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GitFixture, GitHttpServer } from '../../../test/support/git-http-server.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import type { Cloned, CloneRequest, GitClient } from './git-client.js';
import { GitProgramClient } from './git-program-client.js';
import { IsomorphicGitClient } from './isomorphic-git-client.js';

const entry = transpileEntry('src/integrations/git/isomorphic-git-child.ts');
const allowPrivateUrls = ['127.0.0.0/8'];
let scratch: string;
let served: string;
let server: GitHttpServer;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'millrace-behaviour-'));
  served = join(scratch, 'served');
  await mkdir(served);
  server = await GitHttpServer.start(served);
});
beforeEach(() => {
  server.behaviour = { kind: 'serve' };
  server.seen.length = 0;
});
afterAll(async () => {
  await server.stop();
  await rm(scratch, { recursive: true, force: true });
  entry.remove();
});

const git = async (directory: string, ...args: string[]): Promise<string> => {
  const { stdout } = await promisify(execFile)('git', ['-c', 'safe.directory=*', ...args], {
    cwd: directory,
    env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
  });
  return stdout.trim();
};

describe.each<[string, () => GitClient]>([
  ['isomorphic-git', () => new IsomorphicGitClient({ childEntry: entry.path, allowPrivateUrls })],
  ['git', () => new GitProgramClient({ allowPrivateUrls })],
])('what a clone does: %s', (name, make) => {
  let client: GitClient;
  let folder: string;
  let lines: string[];
  beforeAll(() => {
    client = make();
  });
  afterAll(() => client.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(scratch, 'work-'));
    lines = [];
  });

  const target = (): string => join(folder, 'clone');
  const clone = (request: Partial<CloneRequest> & { readonly url: string }): Promise<Cloned> =>
    client.clone(
      { directory: target(), ...request },
      { signal: new AbortController().signal, progress: (line) => lines.push(line) },
    );

  it('writes names that are not UTF-8 as the bytes that they are', async () => {
    const fixture = await GitFixture.create('main');
    const names = [Buffer.from([0x61, 0xff, 0xfe]), Buffer.from('\u00fc', 'latin1')];
    for (const odd of names) {
      const at = Buffer.concat([Buffer.from(`${fixture.directory}/`), odd]);
      await mkdir(at);
      await writeFile(Buffer.concat([at, Buffer.from('/'), odd]), 'x');
    }
    await writeFile(join(fixture.directory, '\u00fc'), 'utf-8');
    await fixture.commit('odd names');
    await fixture.publish(served, `names-${name}`);
    fixture.remove();
    await clone({ url: server.url(`names-${name}`) });
    const found = await readdir(target(), { encoding: 'buffer' });
    for (const odd of names) {
      expect(found.some((one) => one.equals(odd))).toBe(true);
      const below = Buffer.concat([Buffer.from(`${target()}/`), odd]);
      expect(await readdir(below, { encoding: 'buffer' })).toEqual([odd]);
    }
    expect(found).toHaveLength(4);
    const notice = /not UTF-8: 2\. .*untracked/;
    if (name === 'git') expect(await git(target(), 'status', '--porcelain')).toBe('');
    else expect(lines.join('\n')).toMatch(notice);
  });

  it('honours attributes that change what is written, or names them', async () => {
    const fixture = await GitFixture.create('main');
    const at = (file: string): string => join(fixture.directory, file);
    await writeFile(
      at('.gitattributes'),
      '# *.x ident\n*.bat text eol=crlf\n*.id ident\n*.u16 text working-tree-encoding=UTF-16LE\n',
    );
    await writeFile(at('a.bat'), 'one\r\ntwo\r\n');
    await writeFile(at('a.id'), '$Id$\n');
    await writeFile(at('a.u16'), Buffer.from('text\n', 'utf16le'));
    await fixture.commit('attributes');
    await fixture.publish(served, `attributes-${name}`);
    const blob = await fixture.git('rev-parse', 'HEAD:a.id');
    fixture.remove();
    await clone({ url: server.url(`attributes-${name}`) });
    const read = (file: string): Promise<Buffer> => readFile(join(target(), file));
    if (name === 'git') {
      expect((await read('a.bat')).toString()).toBe('one\r\ntwo\r\n');
      expect((await read('a.id')).toString()).toBe(`$Id: ${blob} $\n`);
      expect(await read('a.u16')).toEqual(Buffer.from('text\n', 'utf16le'));
      expect(lines.join('\n')).not.toMatch(/without effect/);
    } else {
      expect(lines.join('\n')).toMatch(
        /without effect in this clone: eol=crlf, ident, working-tree-encoding\./,
      );
    }
    expect(await git(target(), 'status', '--porcelain')).toBe('');
  });

  it('names no attributes where there are none of effect', async () => {
    const fixture = await GitFixture.create('main');
    const text = '* text=auto\n*.sh eol=lf\n"a b" -ident\n# x ident\nident !eol\n';
    await writeFile(join(fixture.directory, '.gitattributes'), text);
    await fixture.commit('attributes');
    await fixture.publish(served, `plain-${name}`);
    fixture.remove();
    await clone({ url: server.url(`plain-${name}`) });
    expect(lines.join('\n')).not.toMatch(/without effect/);
  });

  it.each([1, 0])('names a SHA-256 repository as what it is, depth %d', async (depth) => {
    const bare = join(served, `sha256-${name}-${depth}.git`);
    const work = await mkdtemp(join(scratch, 'sha256-'));
    await git(work, 'init', '-q', '-b', 'main', '--object-format=sha256');
    const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
    await git(work, ...who, 'commit', '-q', '--allow-empty', '-m', 'x');
    await git(work, 'clone', '-q', '--bare', work, bare);
    const failed = clone({ url: server.url(`sha256-${name}-${depth}`), depth });
    await expect(failed).rejects.toMatchObject({ code: 'failed', retryable: false });
    await expect(failed).rejects.toThrow(/SHA-256/);
  });

  describe('a plain web server', () => {
    let files: http.Server;
    const asked: string[] = [];
    beforeAll(async () => {
      const fixture = await GitFixture.create('main');
      await writeFile(join(fixture.directory, 'a'), 'a');
      await fixture.commit('a');
      await fixture.publish(served, `dumb-${name}`);
      fixture.remove();
      await git(join(served, `dumb-${name}.git`), 'update-server-info');
      files = http.createServer((request, response) => {
        asked.push(request.url ?? '');
        const { pathname } = new URL(request.url ?? '/', 'http://x');
        readFile(join(served, pathname)).then(
          (content) => response.end(content),
          () => response.writeHead(404).end(),
        );
      });
      await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    });
    afterAll(() => void files.close());

    it('is named as what it is: the dumb protocol', async () => {
      const { port } = files.address() as AddressInfo;
      const failed = clone({ url: `http://127.0.0.1:${port}/dumb-${name}.git` });
      await expect(failed).rejects.toMatchObject({ code: 'failed', retryable: false });
      await expect(failed).rejects.toThrow(/dumb HTTP protocol/);
    });
  });

  it.each<[string, number, string, number, string]>([
    ['401', 401, '', 1, 'authentication_failed'],
    ['401 to credentials', 401, 'user:wrong', 2, 'authentication_failed'],
    ['403', 403, '', 1, 'authentication_failed'],
    ['404', 404, '', 1, 'repository_not_found'],
    ['404 to credentials', 404, 'user:wrong', 1, 'repository_not_found'],
    ['an HTML page', 200, '', 1, 'repository_not_found'],
  ])('asks once for what is answered with %s', async (_what, status, credentials, times, code) => {
    server.behaviour = {
      kind: 'answer',
      answer: (_request, response) => {
        const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="x"' } : {};
        response.writeHead(status, { 'content-type': 'text/html', ...challenge });
        response.end('<html>\n<body>\n<p>Sign in</p>\n</body>\n</html>\n');
        return true;
      },
    };
    for (const request of [{}, { depth: 0 }, { commit: 'a'.repeat(40) }]) {
      server.seen.length = 0;
      const failed = clone({ url: server.url('page', credentials), ...request });
      await expect(failed).rejects.toMatchObject({ code, retryable: false });
      expect(server.seen.map(({ method, url }) => `${method} ${url}`)).toEqual(
        Array(times).fill('GET /page.git/info/refs?service=git-upload-pack'),
      );
    }
  });

  it.each([1, 0])('fetches a commit that a force-push took, depth %d', async (depth) => {
    const fixture = await GitFixture.create('main');
    await writeFile(join(fixture.directory, 'a'), 'a');
    await fixture.commit('kept');
    await writeFile(join(fixture.directory, 'a'), 'b');
    const taken = await fixture.commit('taken');
    const repository = `forced-${name}-${depth}`;
    await fixture.publish(served, repository, { 'uploadpack.allowAnySHA1InWant': 'true' });
    await fixture.git('reset', '-q', '--hard', 'HEAD~1');
    await fixture.git('push', '-q', '--force', join(served, `${repository}.git`), 'main');
    fixture.remove();
    const url = server.url(repository);
    expect((await clone({ url, commit: taken, depth })).sha).toBe(taken);
    expect(await readFile(join(target(), 'a'), 'utf8')).toBe('b');
    expect(await git(target(), 'rev-list', '--count', 'HEAD')).toBe(depth === 0 ? '2' : '1');
    // Its digits alone lead nowhere: no ref reaches it.
    await rm(target(), { recursive: true });
    await expect(clone({ url, commit: taken.slice(0, 12), depth })).rejects.toMatchObject({
      code: 'ref_not_found',
    });
  });
});
