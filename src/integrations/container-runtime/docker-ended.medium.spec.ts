import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DockerEngine } from '../../../test/support/docker-engine.js';
import { eventually } from '../../../test/support/eventually.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../../../test/support/step-image.js';
import type { ContainerExit, RunningContainer } from './container-runtime.js';
import { DockerRuntime } from './docker-runtime.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
/** Each is ended by TERM, and says so in its own way. */
const ENDED = {
  obeys: 'sleep 600',
  exits: 'trap "exit 1" TERM; echo up; while :; do sleep 0.1; done',
};

/** As systemd listens for an engine: who comes while there is none waits for the next one. */
async function listenFor(engine: DockerEngine, path: string): Promise<Server> {
  const server = createServer((client) => {
    let up: Socket;
    const reach = (): void => {
      let isReached = false;
      up = connect(engine.host.slice('unix://'.length));
      up.once('connect', () => {
        isReached = true;
        client.pipe(up).pipe(client);
      });
      up.on('error', () => undefined);
      up.once('close', () => {
        if (isReached) client.destroy();
        else if (!client.destroyed) setTimeout(reach, 20);
      });
    };
    client.on('error', () => undefined);
    client.once('close', () => up.destroy());
    reach();
  });
  server.listen(path);
  await once(server, 'listening');
  return server;
}

describeWith(PROGRAMS, { root: true }, 'a Docker Engine that is ended in order', () => {
  let engine: DockerEngine;
  let runtime: DockerRuntime;
  let folder: string;
  const at = (host: string): DockerRuntime =>
    new DockerRuntime({
      ...{ host, installation: 'ended' },
      // It removes what has ended, and the engine is gone then.
      report: () => undefined,
    });

  beforeEach(async () => {
    engine = await DockerEngine.start();
    await makeStepImage(engine);
    folder = mkdtempSync(join(tmpdir(), 'mr-ended-'));
    runtime = at(engine.host);
  });
  afterEach(async () => {
    await runtime.close();
    await engine.stop();
    rmSync(folder, { recursive: true });
  });

  const begin = async (line: string): Promise<RunningContainer> => {
    const reference = `docker.io/library/${STEP_IMAGE}`;
    const none = new AbortController().signal;
    const request = { group: 'g', reference, pull: 'never' } as const;
    const found = await runtime.provide(request, () => undefined, none);
    const container = await runtime.start({
      ...{ group: 'g', groups: [], mounts: [], network: 'none', environment: {} },
      imageId: found.kind === 'image' ? found.image.id : '',
      entrypoint: ['/bin/sh', '-c'],
      command: [line],
      limits: { pids: 100, shmSize: 1024 * 1024 },
    });
    let said = '';
    container.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    container.stderr.resume();
    if (line.includes('echo up')) await eventually(() => said.includes('up') || undefined);
    return container;
  };
  const exitOf = async (line: string): Promise<ContainerExit> => (await begin(line)).exit;

  it('loses its containers, whatever their programs make of TERM', async () => {
    const exits = [(await begin(ENDED.obeys)).exit, (await begin(ENDED.exits)).exit];
    await engine.end();
    for (const exit of exits) expect(await exit).toMatchObject({ kind: 'lost' });
  });

  it('loses them also where its socket outlives it, and the next engine answers', async () => {
    await runtime.close();
    const server = await listenFor(engine, join(folder, 'docker.sock'));
    runtime = at(`unix://${join(folder, 'docker.sock')}`);
    const { exit } = await begin(`echo up; ${ENDED.obeys}`);
    const own = await exitOf('exit 143');
    expect(own).toMatchObject({ kind: 'exited', exitCode: 143 });
    await engine.end();
    await engine.begin();
    expect(await exit).toMatchObject({ kind: 'lost' });
    expect(await exitOf('exit 143')).toMatchObject({ kind: 'exited', exitCode: 143 });
    await runtime.close();
    server.close();
  });

  it('has lost none that ended before', async () => {
    const own = [await exitOf('exit 143'), await exitOf('kill -TERM $$'), await exitOf('exit 137')];
    expect(own.map((exit) => (exit.kind === 'exited' ? exit.exitCode : exit.kind))).toEqual([
      ...[143, 143, 137],
    ]);
    const failing = await begin('exit 3');
    expect(await failing.exit).toMatchObject({ kind: 'exited', exitCode: 3 });
    await engine.end();
  });
});
