import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GitFixture, GitHttpServer } from '../../../test/support/git-http-server.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import type { Cloned, CloneRequest, GitClient } from './git-client.js';
import { GitProgramClient } from './git-program-client.js';
import { IsomorphicGitClient } from './isomorphic-git-client.js';

const CREDENTIALS = 'ci:sesame-0pen-it';
const BASIC = `Basic ${Buffer.from(CREDENTIALS).toString('base64')}`;
const CONTENT = Buffer.from('a large file\n'.repeat(1000));
const OID = createHash('sha256').update(CONTENT).digest('hex');
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${OID}\nsize ${CONTENT.length}\n`;
const entry = transpileEntry('src/integrations/git/isomorphic-git-child.ts');

let scratch: string;
let served: string;
let server: GitHttpServer;
/** Of another origin, where clones may go. */
let store: GitHttpServer;
/** Where no clone may go; on loopback, which git-lfs asks past every proxy. */
let forbidden: GitHttpServer;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'millrace-lfs-'));
  served = join(scratch, 'served');
  await mkdir(served);
  server = await GitHttpServer.start(served);
  store = await GitHttpServer.start(served);
  forbidden = await GitHttpServer.start(served, { address: '127.0.0.2' });
  for (const [name, files] of [
    ['plain', {}],
    ['elsewhere', { '.lfsconfig': `[lfs]\n\turl = ${urlOf(store)}/other\n` }],
    ['inside', { '.lfsconfig': `[lfs]\n\turl = ${urlOf(forbidden, '127.0.0.2')}/other\n` }],
    ['remote', { '.lfsconfig': `[remote "origin"]\n\tlfsurl = ${urlOf(store)}/other\n` }],
    ['file', { '.lfsconfig': '[lfs]\n\turl = file:///etc\n' }],
    ['skips', { '.lfsconfig': '[lfs]\n\tskipdownloaderrors = true\n' }],
  ] as const) {
    await publish(name, files);
  }
});
beforeEach(() => {
  for (const one of [server, store, forbidden]) {
    one.seen.length = 0;
    one.behaviour = lfsServer(urlOf(one, one === forbidden ? '127.0.0.2' : undefined));
  }
});
afterAll(async () => {
  for (const one of [server, store, forbidden]) await one.stop();
  await rm(scratch, { recursive: true, force: true });
  entry.remove();
});

function urlOf(one: GitHttpServer, host?: string): string {
  return one.url('x', '', host).replace('/x.git', '');
}

async function publish(name: string, files: Readonly<Record<string, string>>): Promise<void> {
  const fixture = await GitFixture.create('main');
  const all = {
    'deep/.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    'deep/a.bin': POINTER,
    'deep/text': 'plain\n',
    ...files,
  };
  await mkdir(join(fixture.directory, 'deep'));
  for (const [path, text] of Object.entries(all)) {
    await writeFile(join(fixture.directory, path), text);
  }
  await fixture.commit(name);
  await fixture.publish(served, name);
  fixture.remove();
}

interface Batch {
  /** Of the answer, in the place of the usual one. */
  readonly status?: number;
  readonly href?: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly redirect?: string;
}

/** Answers for Git LFS, and lets git answer the rest. */
function lfsServer(base: string, batch: Batch = {}): GitHttpServer['behaviour'] {
  const answer = (request: http.IncomingMessage, response: http.ServerResponse): boolean => {
    const url = request.url ?? '';
    if (url.endsWith('/objects/batch')) {
      const { status = 200, href = `${base}/objects/${OID}`, header = {} } = batch;
      const actions = { download: { href, header } };
      const objects = [{ oid: OID, size: CONTENT.length, actions }];
      response.writeHead(status, { 'content-type': 'application/vnd.git-lfs+json' });
      response.end(JSON.stringify({ transfer: 'basic', objects }));
      return true;
    }
    if (!url.startsWith('/objects/')) return false;
    if (batch.redirect === undefined) response.end(CONTENT);
    else response.writeHead(302, { location: batch.redirect }).end();
    return true;
  };
  return { kind: 'answer', answer };
}

let lines: string[];
const target = (): string => join(scratch, 'clone');
const cloneBy = (client: GitClient, request: Partial<CloneRequest>): Promise<Cloned> =>
  client.clone(
    { url: server.url('plain', CREDENTIALS), directory: target(), ...request },
    { signal: new AbortController().signal, progress: (line) => lines.push(line) },
  );
beforeEach(async () => {
  lines = [];
  await rm(target(), { recursive: true, force: true });
});
const large = (): Promise<Buffer> => readFile(join(target(), 'deep/a.bin'));

describe.each<[string, () => GitClient]>([
  [
    'git without git-lfs',
    () => new GitProgramClient({ allowPrivateUrls: ['127.0.0.1'], lfs: false }),
  ],
  [
    'isomorphic-git',
    () => new IsomorphicGitClient({ childEntry: entry.path, allowPrivateUrls: ['127.0.0.1'] }),
  ],
])('files of Git LFS by %s', (_name, make) => {
  it('are named in the log, and pointers', async () => {
    const client = make();
    await cloneBy(client, {});
    await client.close();
    expect((await large()).toString()).toBe(POINTER);
    expect(lines.join('\n')).toMatch(/Files of Git LFS are not fetched, .*: deep\/a\.bin/);
    expect(server.seen.some(({ url }) => url.includes('lfs'))).toBe(false);
  });
});

describeWith({ 'git-lfs': 'git-lfs' }, {}, 'files of Git LFS by git with git-lfs', () => {
  const client = new GitProgramClient({ allowPrivateUrls: ['127.0.0.1'] });
  const clone = (request: Partial<CloneRequest> = {}): Promise<Cloned> => cloneBy(client, request);
  const fails = async (
    request: Partial<CloneRequest>,
  ): Promise<{ code: string; message: string }> => {
    const error = await clone(request).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: expect.any(String) });
    await expect(stat(target())).rejects.toMatchObject({ code: 'ENOENT' });
    return error as { code: string; message: string };
  };

  it('come from the server of the repository, with its credentials, and git finds nothing changed', async () => {
    await clone();
    expect(await large()).toEqual(CONTENT);
    const asked = server.seen.filter(({ url }) => url.includes('/info/lfs/'));
    expect(asked.map(({ method, url, authorization }) => [method, url, authorization])).toEqual([
      ['POST', '/plain.git/info/lfs/objects/batch', BASIC],
    ]);
    const { stdout } = await promisify(execFile)('git', ['status', '--porcelain'], {
      cwd: target(),
      env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    });
    expect(stdout).toBe('');
    const config = await readFile(join(target(), '.git', 'config'), 'utf8');
    expect(config).not.toMatch(/sesame|127\.0\.0\.1:(?!\d+\/plain)/);
  });

  it('of a stranger: an address in .lfsconfig gets no credentials, nor do files that it leads to', async () => {
    const ofPrivate = `${urlOf(server)}/private.git/info/lfs`;
    await publish('stranger', { '.lfsconfig': `[lfs]\n\turl = ${ofPrivate}\n` });
    for (const repository of ['stranger', 'elsewhere']) {
      // A server of the stranger's leads to a file of the private repository.
      store.behaviour = lfsServer(urlOf(store), { href: `${urlOf(server)}/objects/${OID}` });
      server.seen.length = 0;
      await rm(target(), { recursive: true, force: true });
      await clone({ url: server.url(repository, CREDENTIALS), ownCredentialsOnly: true });
      const named = server.seen.filter(({ url }) => /private|^\/objects/.test(url));
      expect(named.length).toBeGreaterThan(0);
      expect(named.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
    }
    await rm(target(), { recursive: true });
    server.seen.length = 0;
    await clone({ ownCredentialsOnly: true });
    const own = server.seen.filter(({ url }) => url.includes('/plain.git/info/lfs/'));
    expect(own.map(({ authorization }) => authorization)).toEqual([BASIC]);
  });

  it('are left where that is asked for', async () => {
    await clone({ lfs: false });
    expect((await large()).toString()).toBe(POINTER);
    expect(lines.join('\n')).toMatch(/not fetched, as "lfs: false" says: deep\/a\.bin/);
  });

  it.each(['elsewhere', 'remote'])(
    'come from where .lfsconfig says (%s), without credentials there',
    async (repository) => {
      await clone({ url: server.url(repository, CREDENTIALS) });
      expect(await large()).toEqual(CONTENT);
      expect(store.seen.map(({ url }) => url)).toEqual(['/other/objects/batch', `/objects/${OID}`]);
      expect(store.seen.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
    },
  );

  it('are not asked for where no clone may go, whatever .lfsconfig says', async () => {
    const error = await fails({ url: server.url('inside', CREDENTIALS) });
    expect(error.code).toBe('address_refused');
    expect(error.message).toMatch(/Git LFS: .*127\.0\.0\.2/);
    expect(forbidden.seen).toEqual([]);
    const file = await fails({ url: server.url('file') });
    expect(file.message).toMatch(/\.lfsconfig names is refused/);
  });

  it('are fetched from no address, and by no redirect, where no clone may go', async () => {
    const inside = `${urlOf(forbidden, '127.0.0.2')}/objects/${OID}`;
    server.behaviour = lfsServer(urlOf(server), { href: inside });
    expect((await fails({})).code).toBe('address_refused');
    server.behaviour = lfsServer(urlOf(server), { redirect: inside });
    expect((await fails({})).code).toBe('address_refused');
    expect(forbidden.seen).toEqual([]);
  });

  it('are fetched with the headers that the server of Git LFS says', async () => {
    const href = `${urlOf(store)}/objects/${OID}`;
    const header = { Authorization: 'Bearer of-the-store' };
    server.behaviour = lfsServer(urlOf(server), { href, header });
    await clone();
    expect(await large()).toEqual(CONTENT);
    expect(store.seen.map(({ authorization }) => authorization)).toEqual(['Bearer of-the-store']);
  });

  it.each([
    [403, 'authentication_failed'],
    [404, 'failed'],
  ])(
    'fail the clone where the server answers %d, also with skipdownloaderrors',
    async (status, code) => {
      server.behaviour = lfsServer(urlOf(server), { status });
      for (const repository of ['plain', 'skips']) {
        expect((await fails({ url: server.url(repository, CREDENTIALS) })).code).toBe(code);
      }
    },
  );

  it('fail the clone where they are not what the pointer says', async () => {
    const { behaviour } = server;
    server.behaviour = {
      kind: 'answer',
      answer: (request, response) => {
        if (request.url?.startsWith('/objects/'))
          return response.end('something else') !== undefined;
        return behaviour.kind === 'answer' && behaviour.answer(request, response);
      },
    };
    expect((await fails({})).code).toBe('failed');
  });
});
