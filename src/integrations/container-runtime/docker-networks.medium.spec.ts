import { DockerEngine } from '../../../test/support/docker-engine.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../../../test/support/step-image.js';
import { stopAll } from '../../../test/support/stop-all.js';
import type { ContainerSpec } from './container-runtime.js';
import { LABELS, ownerLabel } from './docker-labels.js';
import { DockerRuntime } from './docker-runtime.js';
import { removeOwned } from './owned-containers.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
const INSTALLATION = 'networks';

/** Networks on a Docker Engine that has addresses for two of them. */
describeWith(PROGRAMS, { root: true }, 'networks of a Docker Engine', () => {
  let engine: DockerEngine;
  let runtime: DockerRuntime;

  beforeAll(async () => {
    engine = await DockerEngine.start(['--default-address-pool', 'base=10.77.0.0/28,size=29']);
    runtime = new DockerRuntime({
      ...{ host: engine.host, installation: INSTALLATION },
      report: (what, error) => {
        throw new Error(what, { cause: error });
      },
    });
  });
  afterAll(async () => {
    await stopAll(
      () => runtime.close(),
      () => engine.stop(),
    );
  });

  const labelled = async (): Promise<readonly string[]> => {
    const filter = ['--filter', `label=${LABELS.owner}`, '--format', '{{.Name}}'];
    return (await engine.docker('network', 'ls', ...filter))
      .split('\n')
      .filter((one) => one !== '');
  };

  it('are refused while no address is left, and made once one is back', async () => {
    expect(await runtime.openNetwork('a')).toMatchObject({ kind: 'network' });
    expect(await runtime.openNetwork('b')).toMatchObject({ kind: 'network' });
    expect(await runtime.openNetwork('c')).toEqual({
      kind: 'full',
      message: expect.stringContaining('address pool') as unknown,
    });
    // That of steps is no other.
    expect((await runtime.openNetwork(undefined)).kind).toBe('full');
    await runtime.sweep('a');
    expect((await runtime.openNetwork('c')).kind).toBe('network');
    await Promise.all(['b', 'c'].map((group) => runtime.sweep(group)));
    expect(await labelled()).toEqual([]);
  });

  it('of steps is made again when somebody has removed it', async () => {
    await makeStepImage(engine);
    const reference = `docker.io/library/${STEP_IMAGE}`;
    const none = new AbortController().signal;
    const found = await runtime.provide(
      { group: 'g', reference, pull: 'never' },
      () => undefined,
      none,
    );
    const spec: ContainerSpec = {
      ...{ group: 'a', mounts: [], groups: [], network: 'steps', environment: {} },
      imageId: found.kind === 'image' ? found.image.id : '',
      ...{ entrypoint: ['/bin/true'], limits: { pids: 10, shmSize: 1024 * 1024 } },
    };
    expect(await (await runtime.start(spec)).exit).toMatchObject({ exitCode: 0 });
    await runtime.sweep('a');
    const opened = await runtime.openNetwork(undefined);
    await engine.docker('network', 'rm', opened.kind === 'network' ? opened.name : '');
    expect(await (await runtime.start(spec)).exit).toMatchObject({ exitCode: 0 });
    await runtime.sweep('a');
    await engine.docker('network', 'rm', opened.kind === 'network' ? opened.name : '');
  });

  it('are bridges whose names begin with mr-', async () => {
    const opened = await runtime.openNetwork('a');
    const name = opened.kind === 'network' ? opened.name : '';
    expect(name).toMatch(/^mr-[0-9a-f]{11}$/);
    const bridge = '{{index .Options "com.docker.network.bridge.name"}} {{.Driver}}';
    expect(await engine.docker('network', 'inspect', name, '--format', bridge)).toBe(
      `${name} bridge`,
    );
    await runtime.sweep('a');
  });

  it('of a process that is gone are removed by any other, and of no other process', async () => {
    const opened = await runtime.openNetwork('a');
    const gone = ownerLabel(process.pid).replace(/\d+$/, '1');
    const labels = [`${LABELS.installation}=${INSTALLATION}`, `${LABELS.owner}=${gone}`];
    const flags = labels.flatMap((label) => ['--label', label]);
    await engine.docker('network', 'create', ...flags, 'left');
    await runtime.sweepStale();
    expect(await labelled()).toEqual([opened.kind === 'network' && opened.name]);
  });

  it('of a process are removed by its launcher, and of no other process', async () => {
    const owned = { host: engine.host };
    await removeOwned({ ...owned, owner: ownerLabel(1) });
    expect(await labelled()).toHaveLength(1);
    await removeOwned({ ...owned, owner: ownerLabel(process.pid) });
    expect(await labelled()).toEqual([]);
  });
});
