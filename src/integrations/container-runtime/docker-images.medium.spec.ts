import { once } from 'node:events';
import { createServer, request as ask, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DockerEngine } from '../../../test/support/docker-engine.js';
import { ImageRegistry, REGISTRY_LOGIN } from '../../../test/support/image-registry.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../../../test/support/step-image.js';
import { stopAll } from '../../../test/support/stop-all.js';
import type { ImageRequest, ImageResult } from './container-runtime.js';
import { DockerRuntime } from './docker-runtime.js';

const PROGRAMS = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  busybox: 'busybox-static',
  'docker-registry': 'docker-registry',
};

/**
 * A registry as docker.io is one: it gives images to everybody who has a token, and tokens to those
 * who say no log-in, or the right one.
 */
async function tokenRegistry(behind: string): Promise<{ host: string; stop: () => Promise<void> }> {
  const { username, password } = REGISTRY_LOGIN;
  const right = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    if (request.url?.startsWith('/token') === true) {
      const isGiven = authorization === undefined || authorization === right;
      response.writeHead(isGiven ? 200 : 401, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isGiven ? { token: 'any' } : { details: 'unauthorized' }));
    } else if (authorization === undefined) {
      const realm = `Bearer realm="http://${request.headers.host ?? ''}/token",service="images"`;
      response.writeHead(401, { 'www-authenticate': realm });
      response.end();
    } else {
      const { url = '', method = '', headers } = request;
      const accept = headers.accept === undefined ? {} : { accept: headers.accept };
      const forward = ask(`http://${behind}${url}`, { method, headers: accept }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      forward.end();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describeWith(PROGRAMS, { root: true }, 'images of a Docker Engine', () => {
  let engine: DockerEngine;
  let open: ImageRegistry;
  let closed: ImageRegistry;
  let runtime: DockerRuntime;
  let lines: string[];

  beforeAll(async () => {
    [engine, open, closed] = await Promise.all([
      DockerEngine.start(),
      ImageRegistry.start(),
      ImageRegistry.start({ withLogin: true }),
    ]);
    await makeStepImage(engine);
    const { username, password } = REGISTRY_LOGIN;
    await engine.docker('login', '-u', username, '-p', password, closed.host);
    for (const { host } of [open, closed]) {
      for (const name of ['app:1', 'app:2', 'other:1']) {
        await engine.docker('tag', STEP_IMAGE, `${host}/${name}`);
        await engine.docker('push', `${host}/${name}`);
        await engine.docker('rmi', `${host}/${name}`);
      }
    }
    runtime = new DockerRuntime({
      host: engine.host,
      installation: 'images',
      report: (what, error) => {
        throw new Error(what, { cause: error });
      },
    });
  });
  afterAll(async () => {
    await stopAll(
      () => runtime.close(),
      () => engine.stop(),
      () => open.stop(),
      () => closed.stop(),
    );
  });
  beforeEach(() => (lines = []));

  const provide = (
    reference: string,
    request: Partial<ImageRequest> = {},
    signal = new AbortController().signal,
  ): Promise<ImageResult> =>
    runtime.provide(
      { group: 'images', reference, pull: 'missing', ...request },
      (line) => void lines.push(line),
      signal,
    );
  const codeOf = (result: ImageResult): string =>
    result.kind === 'refused' ? result.refusal.code : `${result.kind} ${result.pulled}`;

  it('pulls what is missing, once, and tells the digest of the registry', async () => {
    const reference = `${open.host}/app:1`;
    const first = await provide(reference);
    expect(codeOf(first)).toBe('image true');
    expect(lines[0]).toBe(`pulling ${reference}`);
    const digests = await engine.docker('inspect', '-f', '{{join .RepoDigests " "}}', reference);
    const digest = first.kind === 'image' ? first.image.digest : '';
    expect(digests).toContain(`${open.host}/app@${digest}`);
    expect(codeOf(await provide(reference))).toBe('image false');
    expect(codeOf(await provide(reference, { pull: 'always' }))).toBe('image true');
    expect(codeOf(await provide(`${open.host}/app@${digest}`))).toBe('image false');
  });

  it('tells apart what is missing, closed, of another machine, and not there to be asked', async () => {
    expect(codeOf(await provide(`${open.host}/nothing:1`))).toBe('image_missing');
    expect(codeOf(await provide(`${closed.host}/app:1`))).toBe('image_unauthorized');
    const wrong = { username: 'robot', password: 'wrong' };
    expect(codeOf(await provide(`${closed.host}/app:1`, { login: wrong }))).toBe(
      'image_unauthorized',
    );
    const other = await provide(`${open.host}/app:1`, { platform: 'linux/s390x' });
    expect(other).toMatchObject({
      refusal: {
        code: 'image_platform',
        message: expect.stringMatching(/is for linux\/\w+, and linux\/s390x was/) as unknown,
      },
    });
    const local = { platform: 'linux/s390x', pull: 'never' } as const;
    expect(codeOf(await provide(`${open.host}/app:1`, local))).toBe('image_platform');
    expect(codeOf(await provide('127.0.0.1:9/app:1'))).toBe('pull_failed');
  });

  it('gives what was fetched with a log-in to those alone who prove access again', async () => {
    const reference = `${closed.host}/other:1`;
    expect(codeOf(await provide(reference, { login: REGISTRY_LOGIN }))).toBe('image true');
    expect(await engine.docker('images', '-q', reference)).not.toBe('');
    expect(codeOf(await provide(reference))).toBe('image_unauthorized');
    expect(codeOf(await provide(reference, { pull: 'never' }))).toBe('image_unauthorized');
    // Another worker of the machine knows it, too.
    const other = new DockerRuntime({
      host: engine.host,
      installation: 'other',
      report: () => undefined,
    });
    const result = await other.provide(
      { group: 'images', reference, pull: 'missing' },
      () => undefined,
      new AbortController().signal,
    );
    expect(codeOf(result)).toBe('image_unauthorized');
    expect(codeOf(await provide(reference, { login: REGISTRY_LOGIN }))).toBe('image true');
  });

  it('leaves public what a refused log-in was to fetch, and private what another one got', async () => {
    const hub = await tokenRegistry(open.host);
    const wrong = { username: 'robot', password: 'wrong' };
    const right = REGISTRY_LOGIN;
    const marks = async (): Promise<readonly string[]> => {
      const found = await engine.docker(
        ...['images', '--format', '{{.Tag}}', 'millrace.invalid/with-login'],
      );
      return found.split('\n').sort();
    };
    const before = await marks();
    try {
      const reference = `${hub.host}/app:1`;
      expect(codeOf(await provide(reference, { login: wrong }))).toBe('image_unauthorized');
      expect(codeOf(await provide(reference))).toBe('image true');
      expect(codeOf(await provide(reference))).toBe('image false');
      expect(await runtime.privateImages.has(reference)).toBe(false);
      const missing = `${hub.host}/missing:1`;
      expect(codeOf(await provide(missing, { login: right }))).toBe('image_missing');
      expect(await marks()).toEqual(before);
      // Two at once, of which one is refused.
      const both = [provide(reference, { login: right }), provide(reference, { login: wrong })];
      expect((await Promise.all(both)).map(codeOf)).toEqual(['image true', 'image_unauthorized']);
      // One for all fetches, once they are over.
      expect(await marks()).toHaveLength(before.length + 1);
      const other = new DockerRuntime({
        host: engine.host,
        installation: 'other',
        report: () => undefined,
      });
      expect(await other.privateImages.has(reference)).toBe(true);
      expect(codeOf(await provide(reference, { pull: 'never' }))).toBe('image_unauthorized');
    } finally {
      await hub.stop();
    }
  });

  it('is private from the beginning of its fetch, and after one that was broken off', async () => {
    const silent: Server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    try {
      const { port } = silent.address() as AddressInfo;
      const reference = `127.0.0.1:${port}/app:1`;
      const abort = new AbortController();
      const request = once(silent, 'request');
      const pulled = provide(reference, { login: REGISTRY_LOGIN }, abort.signal);
      await request;
      const other = new DockerRuntime({
        host: engine.host,
        installation: 'other',
        report: () => undefined,
      });
      expect(await other.privateImages.has(reference)).toBe(true);
      abort.abort(new Error('cancelled'));
      await expect(pulled).rejects.toThrow('cancelled');
      expect(await other.privateImages.has(reference)).toBe(true);
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });

  it('stops to pull within a second of being told to', async () => {
    const silent: Server = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    try {
      const { port } = silent.address() as AddressInfo;
      const abort = new AbortController();
      const asked = once(silent, 'request');
      const pulled = provide(`127.0.0.1:${port}/app:1`, {}, abort.signal);
      await asked;
      abort.abort(new Error('cancelled'));
      await expect(pulled).rejects.toThrow('cancelled');
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });
});
