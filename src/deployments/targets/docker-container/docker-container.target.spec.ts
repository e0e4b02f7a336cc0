import { standIn } from '../../../../test/support/stand-in.js';
import { DEFAULT_PIDS } from '../../../engine/steps/container/container-action.js';
import type {
  ServiceContainers,
  ServiceContainerSpec,
} from '../../../integrations/container-runtime/service-containers.js';
import type { ReverseProxy } from '../../../integrations/reverse-proxy/reverse-proxy.js';
import type { PortLeases } from '../../../ports/port-leases.js';
import type { ContainerSettings } from '../../record/deployment.js';
import type { SealedTexts } from '../../record/sealed-texts.js';
import type { ProxyRoutes } from '../../routes/proxy-routes.js';
import { DockerContainerTarget } from './docker-container.target.js';

const SETTINGS: ContainerSettings = {
  ...{ type: 'docker_container', service_id: 'default/shop', keep: 5, image: 'shop:1' },
  ...{ image_id: 'sha256:1', port: 80, published: { address: '127.0.0.1' }, variables: 'v' },
  secrets: ['PASSWORD'],
  gate: { status: { from: 200, to: 299 }, timeoutMs: 1_000, stableMs: 0 },
  ...{ drain: 0, limits: {} },
};

describe('DockerContainerTarget', () => {
  it('shows nothing secret of what a program says that does not pass its gate', async () => {
    const variables = { PASSWORD: 'hunter-22', MODE: 'fast' };
    const target = new DockerContainerTarget({
      containers: standIn<ServiceContainers>({
        look: () =>
          Promise.resolve({
            ...{ state: 'ended', exitCode: 1, outOfMemory: false, startedAt: new Date(0) },
            said: 'exited',
          }),
        said: () => Promise.resolve('fast: no log-in with hunter-22\nbye'),
      }),
      ...{ proxy: standIn<ReverseProxy>({}), routes: standIn<ProxyRoutes>({}), host: 'h' },
      ports: standIn<PortLeases>({ take: () => Promise.resolve(1) }),
      sealed: standIn<SealedTexts>({ find: () => Promise.resolve(JSON.stringify(variables)) }),
    });
    const told: string[] = [];
    const release = { number: 1, service_id: 'default/shop', settings: SETTINGS };
    const tell = (line: string): number => told.push(line);
    const gate = target.runner.gate(release, tell, new AbortController().signal);
    await expect(gate).rejects.toThrow('ended with exit code 1');
    expect(told).toEqual(['  fast: no log-in with ***', '  bye']);
  });

  it('gives its container what the release says, and a limit of processes in any case', async () => {
    const specs: ServiceContainerSpec[] = [];
    const target = new DockerContainerTarget({
      containers: standIn<ServiceContainers>({ start: async (spec) => void specs.push(spec) }),
      ...{ proxy: standIn<ReverseProxy>({}), routes: standIn<ProxyRoutes>({}), host: 'h' },
      ports: standIn<PortLeases>({ take: () => Promise.resolve(20_417) }),
      sealed: standIn<SealedTexts>({ find: () => Promise.resolve('{"MODE":"fast"}') }),
    });
    const start = (limits: ContainerSettings['limits']): Promise<void> =>
      target.runner.start({
        ...{ number: 1, service_id: 'default/shop', settings: { ...SETTINGS, limits } },
      });
    await start({});
    await start({ pids: 7, memory: 2 ** 26, cpus: 0.5 });
    expect(specs.map(({ limits }) => limits)).toEqual([
      { pids: DEFAULT_PIDS },
      { pids: 7, memory: 2 ** 26, cpus: 0.5 },
    ]);
    expect(specs[0]).toEqual({
      ...{ name: expect.stringMatching(/^shop-[0-9a-f]{12}\.1$/) as string, imageId: 'sha256:1' },
      ...{ environment: { PORT: '80', MODE: 'fast' }, port: 80, hostPort: 20_417 },
      limits: { pids: DEFAULT_PIDS },
    });
  });

  it('runs nothing on an engine of another machine, and says where the worker belongs', async () => {
    const touched: string[] = [];
    const target = new DockerContainerTarget({
      containers: standIn<ServiceContainers>({
        list: async () => {
          touched.push('list');
          return [];
        },
        start: async () => void touched.push('start'),
      }),
      ...{ proxy: standIn<ReverseProxy>({}), routes: standIn<ProxyRoutes>({}), host: 'web-1' },
      ports: standIn<PortLeases>({ take: () => Promise.resolve(1) }),
      sealed: standIn<SealedTexts>({ find: () => Promise.resolve('{}') }),
      engineElsewhere: 'tcp://10.0.0.5:2375',
    });
    const refused = {
      reason: {
        code: 'engine_elsewhere',
        message: expect.stringMatching(
          /web-1 is on another machine \(DOCKER_HOST=tcp:\/\/10\.0\.0\.5:2375\).*runs_on/,
        ) as string,
        data: { engine: 'tcp://10.0.0.5:2375' },
      },
    };
    await expect(target.plan('default/shop', SETTINGS)).rejects.toMatchObject(refused);
    const release = { number: 1, service_id: 'default/shop', settings: SETTINGS };
    await expect(target.runner.start(release)).rejects.toMatchObject(refused);
    expect(touched).toEqual([]);
  });
});
