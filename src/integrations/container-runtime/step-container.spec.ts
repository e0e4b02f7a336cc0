import type { ContainerSpec } from './container-runtime.js';
import { createOptions } from './step-container.js';

const FRAME = { labels: { a: 'b' }, ulimits: [], stepsNetwork: 'mr-steps' };
const spec = (over: Partial<ContainerSpec> = {}): ContainerSpec => ({
  ...{ group: 'g', imageId: 'sha256:1', environment: {}, groups: [], mounts: [] },
  ...{ limits: { pids: 10, shmSize: 20 }, network: 'steps' },
  ...over,
});

describe('createOptions', () => {
  const step = createOptions(spec(), FRAME);
  const network = { name: 'mr-own', hostName: 'db' };
  const sidecar = createOptions(spec({ network, isService: true }), FRAME);

  it('gives a sidecar what a step is given, but for its network and its health', () => {
    const { Healthcheck: none, ...ofStep } = step;
    const { NetworkingConfig: named, ...ofSidecar } = sidecar;
    expect(none).toEqual({ Test: ['NONE'] });
    expect(named).toEqual({ EndpointsConfig: { 'mr-own': { Aliases: ['db'] } } });
    const hostConfig = { ...step.HostConfig, NetworkMode: 'mr-own' };
    expect(ofSidecar).toEqual({ ...ofStep, HostConfig: hostConfig });
  });

  it.each([
    ['a step', step],
    ['a sidecar', sidecar],
  ])('gives %s no right, port or file beside its own', (_name, { HostConfig: host, ...rest }) => {
    expect(host).toMatchObject({
      ...{ Privileged: false, Init: true, IpcMode: 'private', Mounts: [] },
      CapDrop: ['NET_RAW', 'MKNOD', 'AUDIT_WRITE'],
      SecurityOpt: ['no-new-privileges'],
      RestartPolicy: { Name: 'no' },
    });
    const all = Object.keys({ ...host, ...rest });
    const never = ['CapAdd', 'Binds', 'PortBindings', 'PublishAllPorts', 'Devices', 'PidMode'];
    expect(all.filter((key) => never.includes(key) || key === 'ExposedPorts')).toEqual([]);
  });

  it('gives it more rights where the operator of the worker says so', () => {
    const { HostConfig: host } = createOptions(spec(), {
      ...FRAME,
      capabilities: ['NET_RAW', 'SYS_PTRACE'],
    });
    expect(host).toMatchObject({
      CapDrop: ['MKNOD', 'AUDIT_WRITE'],
      CapAdd: ['NET_RAW', 'SYS_PTRACE'],
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
    });
  });

  it('mounts what it is given, and only to be read where it says so', () => {
    const mounts = [
      { source: '/work/a', target: '/workspace' },
      { source: '/own/script', target: '/millrace/script', readOnly: true },
    ];
    expect(createOptions(spec({ mounts }), FRAME).HostConfig?.Mounts).toEqual([
      { Type: 'bind', Source: '/work/a', Target: '/workspace', ReadOnly: false },
      { Type: 'bind', Source: '/own/script', Target: '/millrace/script', ReadOnly: true },
    ]);
  });

  it('gives it its limits, and the log to us alone', () => {
    const limits = { cpus: 1.5, memory: 64, pids: 10, shmSize: 20 };
    const ulimits = [{ Name: 'nofile', Soft: 5, Hard: 5 }] as const;
    expect(createOptions(spec({ limits }), { ...FRAME, ulimits }).HostConfig).toMatchObject({
      ...{ NanoCpus: 1.5e9, PidsLimit: 10, ShmSize: 20, Ulimits: ulimits },
      // As much as memory: no swap.
      ...{ Memory: 64, MemorySwap: 64 },
      LogConfig: { Type: 'none', Config: {} },
    });
    expect(step.HostConfig).not.toHaveProperty('Memory');
    expect(step.HostConfig).not.toHaveProperty('NanoCpus');
  });

  it('leaves to the image what is not said', () => {
    const own = ['Entrypoint', 'Cmd', 'User', 'WorkingDir'];
    expect(Object.keys(sidecar).filter((key) => own.includes(key))).toEqual([]);
  });

  it('gives a step in a network of sidecars no name there', () => {
    const options = createOptions(spec({ network: { name: 'mr-own' } }), FRAME);
    expect(options.HostConfig?.NetworkMode).toBe('mr-own');
    expect(options.NetworkingConfig).toBeUndefined();
  });
});
