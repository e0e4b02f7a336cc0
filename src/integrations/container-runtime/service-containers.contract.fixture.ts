import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { eventually } from '../../../test/support/eventually.js';
import { freePort } from '../../../test/support/free-port.js';
import { makeStepImage, STEP_IMAGE } from '../../../test/support/step-image.js';
import { stopAll } from '../../../test/support/stop-all.js';
import { dockerAt } from './docker-removal.js';
import { DockerServiceContainers } from './docker-service-containers.js';
import type { SpecEngine } from './engine-under-test.fixture.js';
import type { ServiceContainerSpec, ServiceContainerState } from './service-containers.js';

/** Answers each connection at a port with one line. */
const SERVES =
  'echo listens at 7000; while :; do printf "HTTP/1.0 200 OK\\r\\n\\r\\nhello" | nc -l -p 7000; done';
const END_MS = 60_000;

/** What is expected of containers of services, on an engine of the spec's own. */
export function serviceContainersContract(start: () => Promise<SpecEngine>): void {
  const installation = randomUUID().slice(0, 8);
  let engine: SpecEngine;
  let containers: DockerServiceContainers;
  let imageId: string;

  beforeAll(async () => {
    engine = await start();
    await makeStepImage(engine);
    containers = of('h1');
    imageId = (await dockerAt(engine.host).getImage(STEP_IMAGE).inspect()).Id;
  }, 180_000);
  afterAll(() =>
    stopAll(
      async () => {
        for (const host of ['h1', 'h2']) {
          for (const name of await of(host).list()) await of(host).remove(name, 0);
        }
      },
      () => engine.stop(),
    ),
  );

  const of = (hostName: string): DockerServiceContainers =>
    new DockerServiceContainers({
      ...{ host: engine.host, hostName, installation: () => Promise.resolve(installation) },
    });
  const spec = async (
    name: string,
    more: Partial<ServiceContainerSpec> = {},
  ): Promise<ServiceContainerSpec> => ({
    ...{
      name,
      imageId,
      command: ['/bin/sh', '-c', SERVES],
      environment: { GREETING: 'hello you' },
    },
    ...{ port: 7000, hostPort: await freePort(), limits: { pids: 50, memory: 64 * 1024 * 1024 } },
    ...more,
  });
  const until = (
    name: string,
    state: ServiceContainerState['state'],
  ): Promise<ServiceContainerState> =>
    eventually(async () => {
      const seen = await containers.look(name);
      return seen?.state === state ? seen : undefined;
    }, END_MS);

  /** An engine may write down a moment later what was said. */
  const said = (name: string): Promise<string> =>
    eventually(async () => (await containers.said(name, 10)) || undefined, END_MS);

  it('keep an image under a name, whatever happens to its other ones', async () => {
    const [one, two] = [`e1.${randomUUID().slice(0, 8)}`, `e2.${randomUUID().slice(0, 8)}`];
    expect(await containers.keepImage(imageId, one)).toBeGreaterThan(0);
    expect(await containers.keepImage(imageId, two)).toBeGreaterThan(0);
    expect(await containers.keptImage(one)).toBe(imageId);
    expect(await containers.keptNames('e1.')).toEqual([one]);
    expect([...(await containers.keptNames('e'))].sort()).toEqual([one, two]);
    await containers.dropImage(one);
    await containers.dropImage(one);
    expect(await containers.keptImage(one)).toBeUndefined();
    expect(await containers.keptNames('e')).toEqual([two]);
    expect(await containers.keepImage(`sha256:${'0'.repeat(64)}`, one)).toBeUndefined();
  });

  it('answer at their port of this machine, and say what they have said', async () => {
    const asked = await spec('shop.1');
    await containers.start(asked);
    const state = await until('shop.1', 'running');
    expect(state).toMatchObject({ outOfMemory: false, pid: expect.any(Number) as unknown });
    const answer = await eventually(
      () =>
        fetch(`http://127.0.0.1:${asked.hostPort}/`).then(
          (response) => response.text(),
          () => undefined,
        ),
      END_MS,
    );
    expect(answer).toBe('hello');
    expect(await said('shop.1')).toContain('listens at 7000');
    // Whoever asks again has the same one; for another port there is another one.
    await containers.start(asked);
    expect((await containers.look('shop.1'))?.pid).toBe(state.pid);
    await containers.start(await spec('shop.1'));
    expect((await until('shop.1', 'running')).pid).not.toBe(state.pid);
  });

  it('run commands inside, with their variables, and end them at their limit', async () => {
    await containers.start(await spec('shop.2'));
    await until('shop.2', 'running');
    const line = 'echo "$GREETING"; exit 3';
    expect(await containers.exec('shop.2', { command: line, limit_ms: 10_000 })).toEqual({
      ...{ kind: 'exited', code: 3, said: 'hello you' },
    });
    const late = await containers.exec('shop.2', { command: 'sleep 600', limit_ms: 500 });
    expect(late).toMatchObject({ kind: 'late', isEnded: true });
    const ask = { command: ['/bin/busybox', 'ps'], limit_ms: 10_000 };
    expect(await containers.exec('shop.2', ask)).toMatchObject({
      said: expect.not.stringContaining('sleep 600') as unknown,
    });
    expect(await containers.exec('none.1', ask)).toBeUndefined();
  });

  it('have no rights that lead out, and no more than their limits', async () => {
    await containers.start(await spec('shop.3'));
    await until('shop.3', 'running');
    const [own] = (await dockerAt(engine.host).listContainers()).filter(({ Names: names }) =>
      names.some((name) => name.endsWith('-shop.3')),
    );
    const { HostConfig: host, Mounts: mounts } = await dockerAt(engine.host)
      .getContainer(own?.Id ?? '')
      .inspect();
    expect(mounts).toEqual([]);
    expect(host).toMatchObject({
      ...{ Privileged: false, PidsLimit: 50, Memory: 64 * 1024 * 1024 },
      RestartPolicy: { Name: expect.stringMatching(/^(no)?$/) as unknown },
    });
    const status = await containers.exec('shop.3', {
      ...{ command: 'grep -E "NoNewPrivs|CapBnd" /proc/self/status', limit_ms: 10_000 },
    });
    expect(status).toMatchObject({
      kind: 'exited',
      said: expect.stringMatching(/NoNewPrivs:\s+1/) as unknown,
    });
  });

  it('tell how one has ended, are listed by their hosts, and are removed once', async () => {
    await containers.start(await spec('mail.1', { command: ['/bin/sh', '-c', 'exit 7'] }));
    expect(await until('mail.1', 'ended')).toMatchObject({ exitCode: 7 });
    await of('h2').start(await spec('chat.1'));
    expect(await containers.list()).toContain('mail.1');
    expect(await containers.list()).not.toContain('chat.1');
    expect(await of('h2').list()).toEqual(['chat.1']);
    await containers.remove('mail.1', 0);
    await containers.remove('mail.1', 0);
    expect(await containers.look('mail.1')).toBeUndefined();
  });

  it.each([
    // In its grace it ends by itself; else it is killed (128 + 9).
    ['polite.1', 'trap "sleep 1; exit 7" TERM', 30_000, 7],
    ['deaf.1', 'trap "" TERM', 1_000, 137],
  ])('end by TERM, and by KILL when the grace is over: %s', async (name, trap, graceMs, code) => {
    const line = `${trap}; echo ready; while :; do sleep 0.1; done`;
    await containers.start(await spec(name, { command: ['/bin/sh', '-c', line] }));
    expect(await said(name)).toContain('ready');
    const docker = dockerAt(engine.host);
    const [own] = (await docker.listContainers()).filter(({ Names: names }) =>
      names.some((one) => one.endsWith(`-${name}`)),
    );
    const ended = docker.getContainer(own?.Id ?? '').wait() as Promise<{ StatusCode: number }>;
    await containers.remove(name, graceMs);
    expect((await ended).StatusCode).toBe(code);
    expect(await containers.look(name)).toBeUndefined();
  });

  it('say why one does not start, or does not run', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    try {
      const { port: hostPort } = taken.address() as AddressInfo;
      await expect(containers.start(await spec('broken.1', { hostPort }))).rejects.toMatchObject({
        ...{
          name: 'ContainerNotStartedError',
          message: expect.stringContaining(String(hostPort)) as unknown,
        },
      });
    } finally {
      taken.close();
    }
    await containers.start(await spec('broken.2', { command: ['/no/such/program'] }));
    // Which number it is says the init of the engine.
    expect((await until('broken.2', 'ended')).exitCode).toBeGreaterThan(0);
    expect(await said('broken.2')).toMatch(/no such file/i);
  });
}
