import type { SidecarPlan } from '../../../engine/plan/sidecar-plan.js';
import { ManualClock, settled } from '../../../engine/runtime/run-plan.fixture.js';
import type { SidecarStart } from '../../../engine/runtime/sidecar-host.js';
import type {
  ContainerExit,
  ContainerSpec,
  ImageRefusal,
} from '../../../integrations/container-runtime/container-runtime.js';
import {
  FakeContainerRuntime,
  type FakeContainer,
  type FakeImage,
} from '../../../integrations/container-runtime/fake-container-runtime.js';
import { RegistryAccess } from '../steps/registry-access.js';
import { RunImages } from '../steps/run-images.js';
import type { ProbeResult } from './readiness.js';
import { RunSidecars } from './run-sidecars.js';

const never = new Promise<never>(() => undefined);
const PASSED: ProbeResult = { passed: true, said: '' };
const REFUSED: ProbeResult = { passed: false, said: 'port 1: refused' };
const exited = (exitCode: number): ContainerExit => ({
  ...{ kind: 'exited', exitCode, outOfMemory: false },
});
const RUNS: FakeContainer = { exit: never };

function sidecar(name: string, over: Partial<SidecarPlan> = {}, stage = ''): SidecarStart {
  return {
    address: { stage, step: `sidecar:${name}`, attempt: 1 },
    plan: { name, needs: [], image: 'db:1', environment: {}, ports: [], ...over },
    environment: { A: 'b' },
  };
}

const ready = (probe: NonNullable<SidecarPlan['ready']>['probe']): Partial<SidecarPlan> => ({
  ready: { probe, intervalMs: 1_000, timeoutMs: 10_000 },
});
const TCP = { kind: 'tcp', port: 1 } as const;

describe('RunSidecars', () => {
  let clock: ManualClock;
  let abort: AbortController;
  let told: string[];
  let dialled: string[];
  let answers: (host: string) => ProbeResult;
  let runtime: FakeContainerRuntime;

  beforeEach(() => {
    clock = new ManualClock();
    abort = new AbortController();
    told = [];
    dialled = [];
    answers = () => PASSED;
  });

  function make(
    script: (spec: ContainerSpec) => FakeContainer = () => RUNS,
    image: FakeImage | ImageRefusal = {},
  ): RunSidecars {
    runtime = new FakeContainerRuntime(new Map([['docker.io/library/db:1', image]]), script);
    const tail = new Map<string, string[]>();
    return new RunSidecars({
      ...{ runtime, clock, group: 'g' },
      images: new RunImages(runtime, 'group', RegistryAccess.none, undefined),
      output: {
        open: ({ step }) => ({
          write: (bytes) => {
            tail.set(step, [...(tail.get(step) ?? []), bytes.toString().trim()]);
            return true;
          },
          end: () => undefined,
        }),
        systemLine: ({ stage, step }, text) => told.push(`${stage}/${step}: ${text}`),
        lastLines: ({ step }, count) => (tail.get(step) ?? []).slice(-count),
      },
      mask: (text) => text.replaceAll('s3cret', '***'),
      dial: {
        tcp: async (host, port) => {
          dialled.push(`tcp ${host} ${port}`);
          return answers(host);
        },
        http: async (host, port, path, name) => {
          dialled.push(`http ${host} ${port} ${path} ${name}`);
          return answers(host);
        },
      },
    });
  }

  const hosts = (): readonly unknown[] => runtime.started.map(hostName);
  const hostName = ({ network }: ContainerSpec): unknown =>
    typeof network === 'string' ? network : network.hostName;

  it('gives a container its name and variables, and no mount', async () => {
    const of = make();
    const end = of.start([sidecar('db', { memory: 64, command: ['run'] })], abort.signal);
    await clock.advance(1_000);
    expect(await end).toEqual({ kind: 'ready' });
    expect(runtime.started).toEqual([
      {
        ...{ group: 'g', imageId: 'id-of-docker.io/library/db:1', command: ['run'] },
        ...{ environment: { A: 'b' }, groups: [], mounts: [], isService: true },
        limits: { memory: 64, pids: 4096, shmSize: 256 * 1024 ** 2 },
        network: { name: 'network-of-g', hostName: 'db' },
      },
    ]);
  });

  it('starts each behind those that it needs, the others at once', async () => {
    const of = make();
    answers = (host) => (host === '10.0.0.1' ? REFUSED : PASSED);
    const end = of.start(
      [sidecar('a', ready(TCP)), sidecar('b', ready(TCP)), sidecar('c', { needs: ['a', 'b'] })],
      abort.signal,
    );
    await clock.advance(3_000);
    expect(hosts()).toEqual(['a', 'b']);
    answers = () => PASSED;
    await clock.advance(3_000);
    expect(hosts()).toEqual(['a', 'b', 'c']);
    await clock.advance(1_000);
    expect(await end).toEqual({ kind: 'ready' });
  });

  it('stops them in the reverse order, and of a stage no others', async () => {
    const of = make();
    void of.start([sidecar('a'), sidecar('b')], abort.signal);
    await clock.advance(1_000);
    void of.start([sidecar('c', {}, 's'), sidecar('d', {}, 's')], abort.signal);
    await clock.advance(1_000);
    await of.stop('s');
    expect(runtime.ended.map(hostName)).toEqual(['d', 'c']);
    await of.stopAll();
    await of.stopAll();
    expect(runtime.ended.map(hostName)).toEqual(['d', 'c', 'b', 'a']);
  });

  it('asks by exec, in the sidecar, and then for its ports from outside', async () => {
    const asked: string[] = [];
    const of = make(() => ({
      exit: never,
      exec: (command) => {
        asked.push(command.join(' '));
        return { exitCode: asked.length === 1 ? 2 : 0, output: '' };
      },
    }));
    const probe = { kind: 'exec', command: ['pg_isready', '-q'] } as const;
    const end = of.start([sidecar('db', { ...ready(probe), ports: [5432] })], abort.signal);
    await clock.advance(2_999);
    expect(asked).toEqual(new Array(3).fill('pg_isready -q'));
    expect(dialled).toEqual(new Array(2).fill('tcp 10.0.0.1 5432'));
    await clock.advance(1);
    expect(await end).toEqual({ kind: 'ready' });
  });

  it('is not ready while a port of it takes no connection, whatever the probe says', async () => {
    const of = make(() => ({ exit: never, exec: () => ({ exitCode: 0, output: '' }) }));
    answers = () => REFUSED;
    const probe = { kind: 'exec', command: ['ask'] } as const;
    const end = of.start([sidecar('db', { ...ready(probe), ports: [1] })], abort.signal);
    await clock.advance(10_000);
    expect(await end).toMatchObject({ reason: { data: { probe: 'port 1: refused' } } });
  });

  it('asks by http, by the name of the sidecar', async () => {
    const of = make();
    const probe = { kind: 'http', path: '/up', port: 80 } as const;
    const end = of.start([sidecar('db', ready(probe))], abort.signal);
    await clock.advance(2_000);
    expect(await end).toEqual({ kind: 'ready' });
    expect(dialled).toEqual(new Array(3).fill('http 10.0.0.1 80 /up db'));
  });

  it('asks the health check of the image where nothing is said, and its ports', async () => {
    let status: 'starting' | 'healthy' = 'starting';
    const of = make(() => ({ exit: never, health: () => ({ status, output: '' }) }));
    const end = of.start([sidecar('db', { ports: [1] })], abort.signal);
    await clock.advance(5_000);
    expect(dialled).toEqual([]);
    status = 'healthy';
    await clock.advance(3_000);
    expect(await end).toEqual({ kind: 'ready' });
    expect(dialled).toHaveLength(3);
  });

  it('tells why one is not ready: its last probe, masked', async () => {
    const of = make(() => ({ exit: never, exec: () => ({ exitCode: 1, output: 'no s3cret' }) }));
    const probe = { kind: 'exec', command: ['ask'] } as const;
    const end = of.start([sidecar('db', ready(probe)), sidecar('q')], abort.signal);
    await clock.advance(10_000);
    expect(await end).toEqual({
      kind: 'failed',
      address: { stage: '', step: 'sidecar:db', attempt: 1 },
      reason: {
        code: 'sidecar_not_ready',
        message: 'sidecar "db": not ready within 10 s; its last probe said: exit code 1: no ***',
        data: { sidecar: 'db', limit_ms: 10_000, probe: 'exit code 1: no ***' },
      },
    });
    expect(told).toContain(
      '/sidecar:db: sidecar "db": not ready within 10 s; its last probe said: exit code 1: no ***',
    );
    expect(runtime.ended.map(hostName)).toEqual(['db']);
    expect(of.networkOf('s')).toBe('network-of-g');
  });

  it('tells at once when one ends before it is ready', async () => {
    const of = make(() => ({ exit: exited(3) }));
    const end = await of.start([sidecar('db', ready(TCP))], abort.signal);
    expect(end).toMatchObject({
      ...{ kind: 'failed', exitCode: 3 },
      reason: {
        code: 'sidecar_not_ready',
        message: 'sidecar "db": ended before it was ready: exit code 3',
      },
    });
  });

  it.each([
    [127, 'exit code 127 (its program, or one that it starts, is not in the image)'],
    [126, 'exit code 126 (its program, or one that it starts, cannot be run)'],
  ])('tells what exit code %i means, of it and of its probe', async (exitCode, words) => {
    const of = make(() => ({ exit: exited(exitCode) }));
    const end = await of.start([sidecar('db')], abort.signal);
    const message = `sidecar "db": ended before it was ready: ${words}`;
    expect(end).toMatchObject({ exitCode, reason: { code: 'sidecar_not_ready', message } });
    const probed = make(() => ({ exit: never, exec: () => ({ exitCode, output: 'gone' }) }));
    const probe = { kind: 'exec', command: ['a'] } as const;
    const late = probed.start([sidecar('db', ready(probe))], abort.signal);
    await clock.advance(10_000);
    expect(await late).toMatchObject({ reason: { data: { probe: `${words}: gone` } } });
  });

  it.each<[string, FakeImage | ImageRefusal, Partial<SidecarPlan>, FakeContainer]>([
    ['pull_failed', { code: 'pull_failed', message: 'm' }, {}, RUNS],
    ['program_missing', { hasProgram: false }, {}, RUNS],
    ['user_missing', {}, { user: 'gone' }, RUNS],
    ['container_not_started', {}, {}, notStarted('other')],
    ['program_missing', {}, {}, notStarted('program')],
    ['container_lost', {}, {}, { exit: { kind: 'lost', message: 'm' } }],
  ])('tells %s as steps do', async (code, image, over, script) => {
    const of = make(() => script, image);
    const end = await of.start([sidecar('db', over)], abort.signal);
    expect(end).toMatchObject({ kind: 'failed', reason: { code, data: { sidecar: 'db' } } });
  });

  it('stops to wait when another one has failed, and starts none behind it', async () => {
    const of = make((spec) => (hostName(spec) === 'a' ? { exit: exited(1) } : RUNS));
    answers = () => REFUSED;
    const end = of.start(
      [sidecar('a'), sidecar('b', ready(TCP)), sidecar('c', { needs: ['a'] })],
      abort.signal,
    );
    expect(await end).toMatchObject({ address: { step: 'sidecar:a' } });
    expect(hosts()).toEqual(['a', 'b']);
  });

  it('ends its wait by an abort, and tells of no failure', async () => {
    const of = make();
    answers = () => REFUSED;
    const end = of.start([sidecar('db', ready(TCP))], abort.signal);
    await clock.advance(500);
    abort.abort(new Error('cancelled'));
    expect(await end).toEqual({ kind: 'aborted' });
    expect(told).toEqual([]);
    await of.stopAll();
    expect(runtime.ended).toHaveLength(1);
  });

  it('waits for a network while the engine has no address for one, and says so once', async () => {
    const of = make();
    runtime.networksRefused = 3;
    const end = of.start([sidecar('db')], abort.signal);
    await clock.advance(5_999);
    expect(runtime.started).toEqual([]);
    expect(told).toEqual([
      '/sidecar:db: Waits for a network: all addresses of the engine are in use (no address is left).',
    ]);
    await clock.advance(1_001);
    expect(await end).toEqual({ kind: 'ready' });
  });

  it('does not wait for a network once it is aborted', async () => {
    const of = make();
    runtime.networksRefused = Infinity;
    const end = of.start([sidecar('db')], abort.signal);
    await clock.advance(500);
    abort.abort(new Error('cancelled'));
    expect(await end).toEqual({ kind: 'aborted' });
  });

  it('gives steps the name or the address, of their stage and of the run', async () => {
    const of = make();
    void of.start([sidecar('db-1', { ports: [5432, 1] })], abort.signal);
    void of.start([sidecar('q', {}, 's')], abort.signal);
    await clock.advance(2_000);
    const step = (stage: string): Parameters<typeof of.variables>[0] => ({
      ...{ stage, step: 'x', attempt: 1 },
    });
    expect({ ...of.variables(step('s'), { kind: 'shell' }) }).toEqual({
      CI_SIDECAR_DB_1_HOST: '10.0.0.1',
      CI_SIDECAR_DB_1_PORT: '5432',
      CI_SIDECAR_Q_HOST: '10.0.0.2',
    });
    expect({ ...of.variables(step('always'), { kind: 'container' }) }).toEqual({
      CI_SIDECAR_DB_1_HOST: 'db-1',
      CI_SIDECAR_DB_1_PORT: '5432',
    });
    expect(of.networkOf('always')).toBe('network-of-g');
    await of.stopAll();
    expect(of.networkOf('always')).toBeUndefined();
  });

  it('tells at once of one that ends by itself, and keeps its last lines for the steps', async () => {
    let end: (exit: ContainerExit) => void = () => undefined;
    const of = make(() => ({
      stdout: ['one\n', 'two\n'],
      exit: new Promise((resolve) => (end = resolve)),
    }));
    void of.start([sidecar('db', {}, 's')], abort.signal);
    await clock.advance(1_000);
    told.length = 0;
    end(exited(7));
    await settled();
    await settled();
    expect(told).toEqual([
      's/sidecar:db: The sidecar ended by itself after it was ready: exit code 7.',
    ]);
    const ended = { name: 'db', how: 'exit code 7', exitCode: 7, lastLines: ['one', 'two'] };
    expect(of.endedBeside('s')).toEqual([ended]);
    expect(of.endedBeside('other')).toEqual([]);
  });

  it('tells nothing of one that it stops', async () => {
    const of = make();
    void of.start([sidecar('db')], abort.signal);
    await clock.advance(1_000);
    told.length = 0;
    await of.stopAll();
    await settled();
    expect(told).toEqual([]);
  });

  it('is told by nothing but an engine that is away', async () => {
    const of = make();
    jest.spyOn(runtime, 'openNetwork').mockRejectedValue(new Error('a defect'));
    await expect(of.start([sidecar('db')], abort.signal)).rejects.toThrow('a defect');
  });
});

function notStarted(why: 'program' | 'other'): FakeContainer {
  return { exit: { kind: 'not_started', why, message: 'm' } };
}
