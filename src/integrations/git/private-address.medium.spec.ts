import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitFixture, GitHttpServer } from '../../../test/support/git-http-server.js';
import { transpileEntry } from '../../../test/support/transpile-entry.js';
import { AddressPolicy } from '../../common/net/address-policy.js';
import { CheckedResolver, type ResolvedAddress } from '../../common/net/checked-addresses.js';
import { CheckedProxy } from './checked-proxy.js';
import type { GitClient } from './git-client.js';
import { GitProgramClient } from './git-program-client.js';
import { openRoute } from './git-route.js';
import { IsomorphicGitClient } from './isomorphic-git-client.js';
import { GitHttpClient } from './isomorphic-git-http.js';

const entry = transpileEntry('src/integrations/git/isomorphic-git-child.ts');
const none = { signal: new AbortController().signal, progress: () => undefined };
const at = (address: string): readonly ResolvedAddress[] => [{ address, family: 4 }];
let folder: string;
/** 127.0.0.1, which these tests may allow, and 127.0.0.2, which they never do. */
let server: GitHttpServer;
let forbidden: GitHttpServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-private-'));
  await mkdir(join(folder, 'served'));
  await mkdir(join(folder, 'work'));
  const fixture = await GitFixture.create();
  await writeFile(join(fixture.directory, 'a'), 'a');
  await fixture.commit('a');
  await fixture.publish(join(folder, 'served'), 'repo');
  fixture.remove();
  server = await GitHttpServer.start(join(folder, 'served'));
  forbidden = await GitHttpServer.start(join(folder, 'served'), { address: '127.0.0.2' });
});
beforeEach(() => {
  server.behaviour = { kind: 'serve' };
  server.seen.length = 0;
  forbidden.seen.length = 0;
});
afterAll(async () => {
  await server.stop();
  await forbidden.stop();
  await rm(folder, { recursive: true });
  entry.remove();
});

const forbiddenUrl = (): string => forbidden.url('repo', '', '127.0.0.2');
const moved = (url: string): string => url.replace('/repo.git', '');

describe.each<[string, (allowPrivateUrls: readonly string[]) => GitClient]>([
  [
    'isomorphic-git',
    (allowPrivateUrls) => new IsomorphicGitClient({ childEntry: entry.path, allowPrivateUrls }),
  ],
  ['git', (allowPrivateUrls) => new GitProgramClient({ allowPrivateUrls })],
])('private addresses: %s', (_name, make) => {
  let client: GitClient;
  let directory: string;
  beforeEach(async () => {
    directory = join(await mkdtemp(join(folder, 'work', 'x')), 'clone');
  });
  afterEach(() => client.close());

  const failure = (url: string, allowed: readonly string[]): Promise<unknown> => {
    client = make(allowed);
    return client.clone({ url, directory }, none).then(
      () => 'cloned',
      (error: unknown) => error,
    );
  };

  it.each([
    ['an address', '127.0.0.1'],
    ['a number', '2130706433'],
    ['hexadecimal', '0x7f.0.0.1'],
    ['a short form', '127.1'],
    ['full-width digits', '\uff11\uff12\uff17.0.0.1'],
    ['percent-encoding', '%31%32%37.0.0.1'],
    ['an IPv4-mapped address', '[::ffff:127.0.0.1]'],
    ['a name', 'localhost'],
    ['a name with a dot at the end', 'localhost.'],
    ['user information', 'github.com@127.0.0.1'],
  ])('refuses %s, without a connection, and says what to set', async (_what, host) => {
    const url = `http://${host}:${server.port}/repo.git`;
    const error = await failure(url, []);
    expect(error).toMatchObject({ code: 'address_refused', retryable: false });
    expect((error as Error).message).toContain('ALLOW_PRIVATE_URLS=');
    expect(server.seen).toEqual([]);
    expect(await readdir(join(directory, '..'))).toEqual([]);
  });

  it.each(['169.254.169.254', '10.0.0.1', '[fe80::1]', '0.0.0.0', '100.64.0.1'])(
    'refuses https://%s at once',
    async (host) => {
      expect(await failure(`https://${host}/repo.git`, ['127.0.0.1'])).toMatchObject({
        code: 'address_refused',
      });
    },
  );

  it.each([['127.0.0.1'], ['127.0.0.0/8'], ['all']])('clones when %s is allowed', async (item) => {
    expect(await failure(server.url('repo'), [item])).toBe('cloned');
  });

  it('clones by a name that is allowed', async () => {
    expect(await failure(server.url('repo', '', 'localhost'), ['localhost'])).toBe('cloned');
    expect(server.seen.map(({ host }) => host)).toContain(`localhost:${server.port}`);
  });

  it.each([301, 302, 303, 307, 308])('follows no redirect (%d) to one', async (status) => {
    server.behaviour = { kind: 'redirect', to: moved(forbiddenUrl()), status };
    const error = await failure(server.url('repo', 'user:sesame-open'), ['127.0.0.1']);
    expect(error).toMatchObject({ code: 'address_refused', retryable: false });
    expect((error as Error).message).toContain('127.0.0.2');
    expect((error as Error).message).not.toContain('sesame');
    expect(server.seen.length).toBeGreaterThan(0);
    expect(forbidden.seen).toEqual([]);
    expect(await readdir(join(directory, '..'))).toEqual([]);
  });

  it('follows no redirect of the pack request to one', async () => {
    server.behaviour = {
      kind: 'answer',
      answer: (request, response) => {
        if (request.method !== 'POST') return false;
        response.writeHead(307, { location: moved(forbiddenUrl()) + request.url }).end();
        return true;
      },
    };
    const error = await failure(server.url('repo'), ['127.0.0.1']);
    expect(error).toBeInstanceOf(Error);
    expect(server.seen.some(({ method }) => method === 'POST')).toBe(true);
    expect(forbidden.seen).toEqual([]);
    expect(await readdir(join(directory, '..'))).toEqual([]);
  });
});

async function collect(body: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('rebinding', () => {
  /** Answers like an attacker's name server: what is allowed first, then what is not. */
  const rebinding = (): CheckedResolver => {
    const answers = ['127.0.0.1', '127.0.0.2'];
    return new CheckedResolver(new AddressPolicy(['127.0.0.1']), () =>
      Promise.resolve(at(answers.shift() ?? '127.0.0.2')),
    );
  };

  it('isomorphic-git: every request of a clone goes to the address that was checked', async () => {
    const url = server.url('repo', '', 'rebind.example');
    const client = new GitHttpClient(new URL(url).origin, rebinding());
    for (let request = 0; request < 3; request++) {
      const answer = await client.request({ url: `${url}/info/refs?service=git-upload-pack` });
      await collect(answer.body);
    }
    client.close();
    expect(server.seen.map(({ host }) => host)).toEqual(
      Array(3).fill(`rebind.example:${server.port}`),
    );
    expect(forbidden.seen).toEqual([]);
  });

  it('git: every request of a clone goes to the address that was checked', async () => {
    const answers = ['127.0.0.1', '127.0.0.2'];
    const client = new GitProgramClient({
      allowPrivateUrls: ['127.0.0.1'],
      resolve: () => Promise.resolve(at(answers.shift() ?? '127.0.0.2')),
    });
    const url = server.url('repo', '', 'rebind.example');
    await client.clone({ url, directory: join(folder, 'work', 'rebound') }, none);
    expect(new Set(server.seen.map(({ host }) => host))).toEqual(
      new Set([`rebind.example:${server.port}`]),
    );
    expect(server.seen.length).toBeGreaterThan(1);
    expect(answers).toEqual(['127.0.0.2']);
  });

  it('refuses a name that means a private address beside a public one', async () => {
    const resolve = () => Promise.resolve([...at('203.0.114.1'), ...at('127.0.0.2')]);
    const client = new GitProgramClient({ allowPrivateUrls: ['127.0.0.1'], resolve });
    const url = forbidden.url('repo', '', 'mixed.example');
    await expect(
      client.clone({ url, directory: join(folder, 'work', 'mixed') }, none),
    ).rejects.toMatchObject({ code: 'address_refused' });
    expect(forbidden.seen).toEqual([]);
  });

  it('ssh dials the address that was checked, under the name that it knows the host by', async () => {
    const resolver = new CheckedResolver(new AddressPolicy(['10.0.0.0/8']), () =>
      Promise.resolve(at('10.1.2.3')),
    );
    const route = async (url: string) =>
      (await openRoute({ url, directory: '/x', depth: 1 }, resolver, '/')).environment;
    expect(await route('ssh://git@git.corp:2222/x.git')).toEqual({
      GIT_ALLOW_PROTOCOL: 'ssh',
      GIT_SSH_COMMAND:
        "ssh -oBatchMode=yes -oHostName='10.1.2.3' -oHostKeyAlias='[git.corp]:2222' -oCanonicalizeHostname=no",
    });
    expect((await route('ssh://git@git.corp/x.git'))['GIT_SSH_COMMAND']).toContain(
      "-oHostKeyAlias='git.corp' ",
    );
  });

  it.each(['127.1', '2130706433', '[::1]', 'localhost'])('ssh to %s is refused', async (host) => {
    const client = new GitProgramClient({});
    const url = `ssh://git@${host}/x.git`;
    await expect(
      client.clone({ url, directory: join(folder, 'work', 'ssh') }, none),
    ).rejects.toMatchObject({ code: 'address_refused', retryable: false });
  });
});

describe('the proxy of the git program', () => {
  let proxy: CheckedProxy;
  beforeEach(async () => {
    proxy = await CheckedProxy.start(new CheckedResolver(new AddressPolicy(['127.0.0.1'])));
  });
  afterEach(() => proxy.close());

  const ask = (method: string, path: string, password?: string): Promise<number> => {
    const { port, username } = new URL(proxy.url);
    const credentials = Buffer.from(`${username}:${password}`).toString('base64');
    const headers = password === undefined ? {} : { 'proxy-authorization': `Basic ${credentials}` };
    return new Promise((resolve, reject) => {
      const request = http.request({ host: '127.0.0.1', port, method, path, headers });
      request.on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on('connect', (response, socket) => {
        socket.destroy();
        resolve(response.statusCode ?? 0);
      });
      request.on('error', reject);
      request.end();
    });
  };

  it.each([undefined, '', 'wrong', 'undefined'])(
    'serves nobody with the password %s',
    async (password) => {
      expect(await ask('GET', server.url('repo'), password)).toBe(407);
      expect(await ask('CONNECT', `127.0.0.1:${server.port}`, password)).toBe(407);
      expect(server.seen).toEqual([]);
    },
  );

  it('serves who knows the password, but only to addresses that are allowed', async () => {
    const { password } = new URL(proxy.url);
    expect(await ask('GET', `${server.url('repo')}/HEAD`, password)).toBe(200);
    expect(await ask('CONNECT', `127.0.0.1:${server.port}`, password)).toBe(200);
    expect(await ask('GET', forbiddenUrl(), password)).toBe(403);
    expect(await ask('CONNECT', `127.0.0.2:${forbidden.port}`, password)).toBe(403);
    expect(await ask('CONNECT', `localhost:${forbidden.port}`, password)).toBe(502);
    expect(await ask('GET', '/path', password)).toBe(502);
    expect(await ask('GET', 'ftp://127.0.0.1/', password)).toBe(400);
    expect(await ask('CONNECT', '127.0.0.1:99999', password)).toBe(502);
    expect(forbidden.seen).toEqual([]);
  });

  it('listens on loopback only, and is gone after the clone', async () => {
    const { hostname, port } = new URL(proxy.url);
    expect(hostname).toBe('127.0.0.1');
    await proxy.close();
    await expect(
      new Promise((resolve, reject) => http.get({ port }, resolve).on('error', reject)),
    ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
