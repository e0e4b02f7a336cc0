import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CuttableProxy } from '../../../test/support/cuttable-proxy.js';
import { DockerEngine } from '../../../test/support/docker-engine.js';
import { eventually } from '../../../test/support/eventually.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../../../test/support/step-image.js';
import { stopAll } from '../../../test/support/stop-all.js';
import type { RunningContainer } from './container-runtime.js';
import { DockerRuntime } from './docker-runtime.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };

const UNTIL_TOLD = 'until [ -e /given/go ]; do sleep 0.1; done; echo after; exit 7';

/** The engine and its containers live on; only the connection to it breaks. */
describeWith(PROGRAMS, { root: true }, 'a connection to a Docker Engine that is lost', () => {
  let engine: DockerEngine;
  let proxy: CuttableProxy;
  let port: number;
  let runtime: DockerRuntime;
  let folder: string;
  let said: string;
  let lost: number;

  beforeAll(async () => {
    engine = await DockerEngine.start();
    await makeStepImage(engine);
    proxy = await CuttableProxy.start({ path: engine.host.slice('unix://'.length) });
    ({ port } = proxy);
    runtime = new DockerRuntime({
      ...{ host: `http://127.0.0.1:${port}`, installation: 'connection' },
      report: () => undefined,
    });
  });
  afterAll(async () => {
    await stopAll(
      () => runtime.close(),
      () => proxy.cut(),
      () => engine.stop(),
    );
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mr-connection-'));
    said = '';
    lost = 0;
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A container that has said its first word. */
  const begin = async (line = UNTIL_TOLD): Promise<RunningContainer> => {
    const reference = `docker.io/library/${STEP_IMAGE}`;
    const none = new AbortController().signal;
    const found = await runtime.provide(
      { group: 'g', reference, pull: 'never' },
      () => undefined,
      none,
    );
    const container = await runtime.start({
      ...{ group: 'g', groups: [], network: 'none', environment: {} },
      imageId: found.kind === 'image' ? found.image.id : '',
      mounts: [{ source: folder, target: '/given' }],
      entrypoint: ['/bin/sh', '-c'],
      command: [`echo before; ${line}`],
      limits: { pids: 100, shmSize: 1024 * 1024 },
    });
    container.onLost(() => (lost += 1));
    container.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    container.stderr.resume();
    await eventually(() => said.includes('before') || undefined);
    return container;
  };
  const go = (): void => writeFileSync(join(folder, 'go'), '');

  it('is told, and followed again: what comes later, and the result', async () => {
    const container = await begin();
    proxy.interrupt();
    await eventually(() => lost > 0 || undefined);
    go();
    expect(await container.exit).toMatchObject({ kind: 'exited', exitCode: 7 });
    await eventually(() => container.stdout.readableEnded || undefined);
    expect(said).toBe('before\nafter\n');
    expect(lost).toBe(1);
  });

  it('is none where programs have closed their output', async () => {
    const container = await begin('exec >&- 2>&-; sleep 2; exit 3');
    expect(await container.exit).toMatchObject({ kind: 'exited', exitCode: 3 });
    expect(lost).toBe(0);
  });

  it('tells the result of a container that ended meanwhile', async () => {
    const container = await begin();
    proxy.cut();
    await eventually(() => lost > 0 || undefined);
    go();
    await eventually(async () => (await engine.docker('ps', '--quiet')) === '' || undefined);
    await proxy.mend(port);
    expect(await container.exit).toMatchObject({ kind: 'exited', exitCode: 7 });
    expect(said).toBe('before\n');
  });
});
