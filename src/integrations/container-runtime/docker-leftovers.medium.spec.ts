import { DockerEngine } from '../../../test/support/docker-engine.js';
import { describeWith } from '../../../test/support/needed-programs.js';
import { makeStepImage, STEP_IMAGE } from '../../../test/support/step-image.js';
import { stopAll } from '../../../test/support/stop-all.js';
import type { ContainerSpec, RunningContainer } from './container-runtime.js';
import { BUILT_LABELS, LABELS, ownerLabel } from './docker-labels.js';
import { DockerRuntime } from './docker-runtime.js';
import { removeOwned } from './owned-containers.js';

const PROGRAMS = { dockerd: 'docker.io', docker: 'docker.io', busybox: 'busybox-static' };
const INSTALLATION = 'leftovers';
const GROUP = 'g';
const WITH_VOLUME = 'volume:1';

describeWith(PROGRAMS, { root: true }, 'what is left on a Docker Engine', () => {
  let engine: DockerEngine;
  let runtime: DockerRuntime;
  const own = ownerLabel(process.pid);
  const gone = own.replace(/\d+$/, '1');

  beforeAll(async () => {
    engine = await DockerEngine.start();
    await makeStepImage(engine);
    await makeStepImage(engine, WITH_VOLUME, ['VOLUME /data']);
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

  const flags = (labels: Readonly<Record<string, string>>): string[] =>
    Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
  const labels = (installation: string, owner: string) => ({
    [LABELS.installation]: installation,
    ...{ [LABELS.owner]: owner, [LABELS.group]: GROUP },
  });
  const names = async (): Promise<string[]> => {
    const containers = await engine.docker('ps', '--all', '--format', '{{.Names}}');
    const networks = await engine.docker('network', 'ls', '--format', '{{.Name}}');
    return [...containers.split('\n'), ...networks.split('\n')].filter((name) => name !== '');
  };
  /** A container that runs, and a network, both of this name. */
  const leave = async (name: string, ...more: readonly string[]): Promise<void> => {
    const runs = [STEP_IMAGE, '/bin/sleep', '600'];
    await engine.docker('run', '-d', '--network', 'none', '--name', name, ...more, ...runs);
    await engine.docker('network', 'create', ...more, `mr-${name}`);
  };
  const begin = async (group: string, line: string): Promise<RunningContainer> => {
    const reference = `docker.io/library/${WITH_VOLUME}`;
    const none = new AbortController().signal;
    const found = await runtime.provide(
      { group: 'g', reference, pull: 'never' },
      () => undefined,
      none,
    );
    if (found.kind === 'refused') throw new Error(found.refusal.message);
    const spec: ContainerSpec = {
      ...{ group, mounts: [], groups: [], network: 'none', environment: {} },
      imageId: found.image.id,
      ...{ entrypoint: ['/bin/sh', '-c'], command: [line] },
      limits: { pids: 100, shmSize: 1024 * 1024 },
    };
    const container = await runtime.start(spec);
    container.stdout.resume();
    container.stderr.resume();
    return container;
  };
  const volumes = (): Promise<string> => engine.docker('volume', 'ls', '--quiet');

  it('goes by the label of this installation alone, and not by its name', async () => {
    await leave('millrace-plain');
    await leave('other', ...flags(labels('another', gone)));
    await leave('other-of-this-process', ...flags(labels('another', own)));
    const strangers = (await names()).sort();
    await leave('gone', ...flags(labels(INSTALLATION, gone)));
    await leave('ours', ...flags(labels(INSTALLATION, own)));
    const ours = ['mr-ours', 'ours'];

    const { groups } = await runtime.sweepStale();
    expect((await names()).sort()).toEqual([...strangers, ...ours].sort());
    expect(groups).toEqual([GROUP]);
    await runtime.sweep('g2');
    expect((await names()).sort()).toEqual([...strangers, ...ours].sort());
    await runtime.sweep(GROUP);
    expect((await names()).sort()).toEqual(strangers);
    expect(await runtime.sweepStale()).toEqual({ ended: 0, groups: [] });

    await leave('ours', ...flags(labels(INSTALLATION, own)));
    await removeOwned({ host: engine.host, owner: own });
    // What a process has made is its own, whatever installation it says it is of.
    const ofProcess = ['mr-other-of-this-process', 'other-of-this-process'];
    const others = strangers.filter((name) => !ofProcess.includes(name));
    expect((await names()).sort()).toEqual(others);
  });

  it('of builds are the names that this installation gave', async () => {
    const names = ['ours', 'another'].map((what) => `millrace.invalid/built:${what}`);
    for (const [index, installation] of [INSTALLATION, 'another'].entries()) {
      const all = {
        [BUILT_LABELS.installation]: installation,
        ...{ [BUILT_LABELS.owner]: own, [BUILT_LABELS.group]: GROUP },
      };
      const changes = Object.entries(all).map(([label, value]) => `LABEL ${label}=${value}`);
      await makeStepImage(engine, names[index], changes);
    }
    expect((await runtime.sweepStale()).groups).toEqual([GROUP]);
    await runtime.sweep(GROUP);
    expect((await runtime.sweepStale()).groups).toEqual([]);
    const left = await engine.docker('images', '--format', '{{.Repository}}:{{.Tag}}');
    expect(left).toContain(names[1]);
    expect(left).not.toContain(names[0]);
  });

  it('are no volumes: those of an image go with the container, however it ends', async () => {
    await engine.docker('volume', 'create', 'of-somebody');
    const ended = await begin('v', 'echo x >/data/x');
    expect(await ended.exit).toMatchObject({ exitCode: 0 });
    const swept = await begin('v', 'sleep 600');
    expect((await volumes()).split('\n').length).toBeGreaterThan(1);
    await runtime.sweep('v');
    await swept.exit;
    await runtime.close();
    expect(await volumes()).toBe('of-somebody');
  });
});
