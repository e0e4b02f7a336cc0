import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { spawn } from 'node:child_process';
import { DockerEngine } from '../../../test/support/docker-engine.js';
import { ImageRegistry, REGISTRY_LOGIN } from '../../../test/support/image-registry.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../../../test/support/step-image.js';
import { stopAll } from '../../../test/support/stop-all.js';
import { DockerBuilder } from './docker-builder.js';
import { DockerRuntime } from './docker-runtime.js';
import type { PushResult } from './image-builder.js';

const PROGRAMS = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  busybox: 'busybox-static',
  'docker-registry': 'docker-registry',
};

describeWith(PROGRAMS, { root: true }, 'what is built on a Docker Engine', () => {
  let engine: DockerEngine;
  let open: ImageRegistry;
  let closed: ImageRegistry;
  let runtime: DockerRuntime;
  let builder: DockerBuilder;

  beforeAll(async () => {
    [engine, open, closed] = await Promise.all([
      DockerEngine.start(),
      ImageRegistry.start(),
      ImageRegistry.start({ withLogin: true }),
    ]);
    await makeStepImage(engine);
    const installation = 'built';
    const { host } = engine;
    const report = (what: string, error: unknown): void => {
      throw new Error(what, { cause: error });
    };
    runtime = new DockerRuntime({ host, installation, report });
    const { privateImages } = runtime;
    const none = { program: undefined, reason: 'a spec has none' };
    builder = new DockerBuilder({ host, installation, privateImages, ...none });
  });
  afterAll(async () => {
    await stopAll(
      () => runtime.close(),
      () => engine.stop(),
      () => open.stop(),
      () => closed.stop(),
    );
  });

  /** An image as a build leaves it, without a name; its id. */
  const buildOnly = async (group: string, what: string): Promise<string> => {
    const labels = Object.entries(builder.labels(group)).flatMap(([label, value]) => [
      '--label',
      `${label}=${value}`,
    ]);
    const docker = spawn('docker', ['build', '--quiet', ...labels, '-'], {
      env: engine.environment,
      // It says that this builder is an old one.
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    docker.stdin.end(`FROM ${STEP_IMAGE}\nENV WHAT=${what}\nUSER app\nCMD ["${what}"]\n`);
    const id = (await text(docker.stdout)).trim();
    expect(id).toMatch(/^sha256:/);
    return id;
  };
  /** One that was kept; its id. */
  const build = async (group: string, what: string): Promise<string> => {
    const id = await buildOnly(group, what);
    expect(await builder.keep(id, group)).toMatchObject({ kind: 'kept', image: { id } });
    return id;
  };
  const push = (image: string, reference: string, login?: typeof REGISTRY_LOGIN) =>
    builder.push({ image, reference, login }, () => undefined, new AbortController().signal);
  const idOf = (name: string): Promise<string> =>
    engine.docker('image', 'inspect', '--format', '{{.Id}}', name).catch(() => '');
  const digestOf = ({ kind, ...result }: PushResult): unknown =>
    kind === 'pushed' ? Object.values(result)[0] : result;

  it('keeps an image under a name of its own, and tells what it runs', async () => {
    const id = await buildOnly('g', 'kept');
    const image = { id, digest: id, user: 'app', hasProgram: true };
    expect(await builder.keep(id, 'g')).toMatchObject({ kind: 'kept', image });
    const names = await engine.docker('image', 'inspect', '--format', '{{.RepoTags}}', id);
    expect(names).toMatch(/^\[millrace\.invalid\/built:[0-9a-f-]{36}\]$/);
    expect(await builder.keep(`sha256:${'0'.repeat(64)}`, 'g')).toEqual({ kind: 'gone' });
  });

  it('keeps none that has not the labels of its group, and removes it', async () => {
    const id = await buildOnly('another', 'unlabelled');
    expect(await builder.keep(id, 'g')).toEqual({ kind: 'unlabelled' });
    expect(await idOf(id)).toBe('');
  });

  it('sweeps what a build left without a name', async () => {
    const id = await buildOnly('nameless', 'nameless');
    await runtime.sweep('nameless');
    expect(await idOf(id)).toBe('');
  });

  it('pushes, tells the digest that the registry has, and gives the name back', async () => {
    const [image, reference] = [await build('g', 'pushed'), `${open.host}/a/b:1`];
    await engine.docker('tag', STEP_IMAGE, reference);
    const before = await idOf(reference);
    const result = await push(image, reference);
    expect(await idOf(reference)).toBe(before);
    await engine.docker('rmi', reference);
    await engine.docker('pull', reference);
    expect(await idOf(reference)).toBe(await idOf(image));
    const digests = await engine.docker('image', 'inspect', '--format', '{{.RepoDigests}}', image);
    expect(digests).toContain(`@${String(digestOf(result))}`);
    await engine.docker('rmi', reference);
    expect(await push(image, `${open.host}/a/c:1`)).toMatchObject({ kind: 'pushed' });
    expect(await idOf(`${open.host}/a/c:1`)).toBe('');
  });

  it('pushes its own image, whoever pushes another one to the name at the same time', async () => {
    const reference = `${open.host}/same:1`;
    const images = await Promise.all(['x', 'y', 'z'].map((what) => build('g', what)));
    const results = await Promise.all(images.map((image) => push(image, reference)));
    const others = await Promise.all(
      images.map((image, at) => push(image, `${open.host}/s${at}:1`)),
    );
    expect(results.map(digestOf)).toEqual(others.map(digestOf));
    expect(new Set(results.map(digestOf)).size).toBe(3);
    expect(await idOf(reference)).toBe('');
  });

  it('tells apart who may not push, and what cannot be', async () => {
    const image = await build('g', 'refused');
    const reference = `${closed.host}/a:1`;
    const refused = { kind: 'refused', code: 'image_unauthorized' };
    expect(await push(image, reference)).toMatchObject(refused);
    expect(await push(image, reference, { username: 'robot', password: 'x' })).toMatchObject(
      refused,
    );
    expect(await push(image, reference, REGISTRY_LOGIN)).toMatchObject({ kind: 'pushed' });
    const failed = { kind: 'refused', code: 'push_failed' };
    expect(await push(image, '127.0.0.1:1/a:1')).toMatchObject(failed);
    expect(await push(`sha256:${'0'.repeat(64)}`, `${open.host}/gone:1`)).toMatchObject(failed);
  });

  it('stops to push when it is told to', async () => {
    const silent: Server = createServer(() => undefined);
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    const { port } = silent.address() as AddressInfo;
    const abort = new AbortController();
    const image = await build('g', 'stopped');
    const reference = `127.0.0.1:${port}/a:1`;
    const pushing = builder.push({ image, reference }, () => undefined, abort.signal);
    setTimeout(() => abort.abort(new Error('enough')), 200);
    await expect(pushing).rejects.toThrow('enough');
    expect(await idOf(reference)).toBe('');
    silent.closeAllConnections();
    silent.close();
  });

  it('is for nobody by the name of others, and leaves with its group', async () => {
    const image = await build('left', 'hidden');
    const tags = await engine.docker(
      'image',
      'inspect',
      '--format',
      '{{index .RepoTags 0}}',
      image,
    );
    const name = tags.trim();
    await engine.docker('tag', image, 'shadow:1');
    const request = {
      group: 'left',
      reference: 'docker.io/library/shadow:1',
      pull: 'never',
    } as const;
    const provide = () => runtime.provide(request, () => undefined, new AbortController().signal);
    expect(await provide()).toMatchObject({ refusal: { code: 'image_missing' } });
    const own = { group: 'left', reference: name, pull: 'never' } as const;
    const found = await runtime.provide(own, () => undefined, new AbortController().signal);
    expect(found).toMatchObject({ refusal: { code: 'image_missing' } });
    const other = await build('stays', 'hidden');
    await runtime.sweep('left');
    expect(await idOf(name)).toBe('');
    // Somebody else's name of it stays.
    expect(await idOf('shadow:1')).not.toBe('');
    expect(await idOf(other)).not.toBe('');
    await runtime.sweepStale();
    expect(await idOf(other)).not.toBe('');
  });
});
