import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../../../test/support/eventually.js';
import { freePort } from '../../../../test/support/free-port.js';
import { standIn } from '../../../../test/support/stand-in.js';
import { packTree } from '../../../common/archive/pack-tree.js';
import { Globs } from '../../../common/values/globs/globs.js';
import type { StepFiles } from '../../../executions/attempt/steps/deployer.js';
import type {
  ServiceSpec,
  ServiceStatus,
} from '../../../integrations/local-services/local-services.js';
import { LocalServicesError } from '../../../integrations/local-services/local-services.error.js';
import { MemoryLocalServices } from '../../../integrations/local-services/memory-local-services.fixture.js';
import { MemoryReverseProxy } from '../../../integrations/reverse-proxy/memory-reverse-proxy.fixture.js';
import { PortsOfHost } from '../../../ports/ports.fixture.js';
import type { ServiceSettings } from '../../record/deployment.js';
import type { SealedTexts } from '../../record/sealed-texts.js';
import { instanceName, instanceOwner, routeOwner, shortName } from '../../routes/service-route.js';
import { DeployRefusedError, type PlacedRelease, TargetAwayError } from '../deploy-target.js';
import { LocalServiceTarget } from './local-service.target.js';
import { ServiceReleases } from './service-releases.js';

const NEVER = new AbortController().signal;
const SERVICE = 'default/shop';
const name = (number: number): string => instanceName(SERVICE, number);

class RecordedLocalServices extends MemoryLocalServices {
  readonly specs: ServiceSpec[] = [];

  override start(spec: ServiceSpec): Promise<ServiceStatus> {
    this.specs.push(spec);
    return super.start(spec);
  }
}

describe('LocalServiceTarget', () => {
  let base: string;
  let home: string;
  let services: RecordedLocalServices;
  let proxy: MemoryReverseProxy;
  let ports: PortsOfHost;
  let port: number;
  let variables: Record<string, string>;
  /** How often variables were unsealed. */
  let opened: number;
  let target: LocalServiceTarget;
  let program: Server | undefined;
  /** Whom programs run as. */
  let user: { readonly gid: number } | undefined;
  const programs = (): Promise<typeof user> => Promise.resolve(user);
  let routesGone: Error | undefined;

  beforeEach(async () => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'local-service-')));
    home = join(base, 'home');
    for (const folder of [home, join(base, 'made'), join(base, 'scratch')]) mkdirSync(folder);
    services = new RecordedLocalServices(['it begins', 'no configuration']);
    proxy = new MemoryReverseProxy();
    port = await freePort();
    ports = new PortsOfHost(port, port);
    variables = { MODE: 'live' };
    opened = 0;
    user = undefined;
    target = new LocalServiceTarget({
      ...{ services, proxy, ports: ports.leases, releases: new ServiceReleases(home, programs) },
      routes: {
        ensureClosed: () => Promise.resolve(),
        ensureNoRoute: () => (routesGone ? Promise.reject(routesGone) : Promise.resolve()),
        ensureRoute: async (route) => {
          const { routes, version } = await proxy.current();
          const there = routes.find(({ id }) => id === route.id);
          const others = routes.filter((one) => one !== there);
          await proxy.apply([...others, { ...there, ...route }], version);
        },
      },
      sealed: standIn<SealedTexts>({
        find: () => {
          opened += 1;
          return Promise.resolve(JSON.stringify(variables));
        },
      }),
      host: 'here',
    });
  });
  afterEach(async () => {
    await new Promise<unknown>((resolve) =>
      program ? program.close(resolve) : resolve(undefined),
    );
    program = undefined;
    for (const number of [1, 2]) await target.remove(release(number));
    rmSync(base, { recursive: true });
  });

  const settings = (more: Partial<ServiceSettings> = {}): ServiceSettings => ({
    ...{ type: 'local_service', service_id: SERVICE, keep: 5, exclude: ['*.map'] },
    ...{ command: ['node', 'server.js'], port_variable: 'PORT', variables: 'sealed' },
    published: { address: '127.0.0.1', port: 8080 },
    gate: { path: '/', status: { from: 200, to: 299 }, timeoutMs: 1_000, stableMs: 0 },
    ...{ drain: 0, ...more },
  });
  const release = (
    number: number,
    more: Partial<ServiceSettings> = {},
  ): PlacedRelease<ServiceSettings> => ({ number, settings: settings(more), service_id: SERVICE });
  const write = (path: string, text: string): void => {
    mkdirSync(join(base, 'made', path, '..'), { recursive: true });
    writeFileSync(join(base, 'made', path), text);
  };
  const source: StepFiles = {
    packed: ({ exclude, limits, onFile }, signal, work) => {
      const globs = new Globs(['**', ...exclude.map((glob) => `!${glob}`)]);
      const scratch = join(base, 'scratch');
      return work(packTree(join(base, 'made'), { globs, limits, onFile, signal, scratch }));
    },
  };
  const at = (number: number): string =>
    join(home, 'service-releases', shortName(SERVICE), String(number));
  const listen = (): Promise<void> =>
    new Promise((resolve) => {
      program = createServer((_request, answer) => answer.end('well'));
      program.listen(port, '127.0.0.1', resolve);
    });
  const gate = async (one = release(1)): Promise<{ lines: string[]; error: unknown }> => {
    const lines: string[] = [];
    const gating = target.runner.gate(one, (line) => void lines.push(line), NEVER);
    return {
      lines,
      error: await gating.then(
        () => undefined,
        (error: unknown) => error,
      ),
    };
  };

  it('lets the group of the programs through to the releases, and nobody else', async () => {
    write('server.js', 'listen()');
    user = { gid: process.getgid?.() ?? 0 };
    await target.prepare(release(1), source, NEVER);
    const { mode, gid } = statSync(join(home, 'service-releases'));
    expect([mode & 0o777, gid]).toEqual([0o710, user.gid]);
  });

  it('puts each release into a folder of its own that nobody may write', async () => {
    write('server.js', 'listen()');
    write('server.js.map', 'x');
    write('lib/a.js', 'a');
    chmodSync(join(base, 'made/lib/a.js'), 0o770);
    const prepared = await target.prepare(release(1), source, NEVER);
    expect(prepared).toMatchObject({ files: 2, warnings: [] });
    expect(readdirSync(at(1)).sort()).toEqual(['lib', 'server.js']);
    const modes = ['', 'lib', 'server.js', 'lib/a.js'].map(
      (path) => statSync(join(at(1), path)).mode & 0o777,
    );
    expect(modes).toEqual([0o555, 0o555, 0o444, 0o554]);
    expect(statSync(join(home, 'service-releases')).mode & 0o777).toBe(0o700);

    write('server.js', 'other()');
    await target.prepare(release(2), source, NEVER);
    expect(readFileSync(join(at(1), 'server.js'), 'utf8')).toBe('listen()');
    expect(await target.digestOf(release(1))).toBe(prepared.digest);
    expect(await target.digestOf(release(2))).not.toBe(prepared.digest);
    expect(await target.digestOf(release(3))).toBeUndefined();
    chmodSync(join(at(1), 'server.js'), 0o644);
    expect(await target.digestOf(release(1))).not.toBe(prepared.digest);

    await target.remove(release(1));
    await target.remove(release(1));
    expect([existsSync(at(1)), existsSync(at(2))]).toEqual([false, true]);
  });

  it('gives back the port of the outside, and its folder, when nobody listens there', async () => {
    write('server.js', 'listen()');
    await target.prepare(release(1), source, NEVER);
    await target.plan(SERVICE, settings());
    const outside = { owner: routeOwner(SERVICE) };
    expect(await ports.leases.list(outside)).toHaveLength(1);
    await target.remove(release(1));
    routesGone = new Error('somebody listens there');
    await expect(target.forget(SERVICE)).rejects.toThrow('somebody listens there');
    expect(await ports.leases.list(outside)).toHaveLength(1);
    routesGone = undefined;
    await target.forget(SERVICE);
    await target.forget(SERVICE);
    expect(await ports.leases.list(outside)).toEqual([]);
    expect(readdirSync(join(home, 'service-releases'))).toEqual([]);
  });

  it('names files with a hash in their names that are gone, where nothing keeps them', async () => {
    write('index-BfX3k2Qa.js', 'one');
    write('node_modules-Zk91mQ2b.js', 'kept');
    await target.prepare(release(1), source, NEVER, undefined);
    rmSync(join(base, 'made/index-BfX3k2Qa.js'));
    const warnings = async (more: Partial<ServiceSettings> = {}): Promise<unknown> =>
      (await target.prepare(release(2, more), source, NEVER, 1)).warnings;
    expect(await warnings()).toMatchObject([
      { code: 'assets_gone', message: expect.stringContaining('say keep_assets') as string },
    ]);
    expect(await warnings({ keep_assets: 1_000 })).toEqual([]);
    for (const number of [1, 2]) await target.remove(release(number));
  });

  it('gives its files to the same release elsewhere', async () => {
    write('server.js', 'listen()');
    chmodSync(join(base, 'made/server.js'), 0o770);
    const { digest } = await target.prepare(release(1), source, NEVER);
    const other = { ...release(1), service_id: 'production/shop' };
    const copy = await target.prepare(other, target.filesOf(release(1)), NEVER);
    expect(copy.digest).toBe(digest);
    await target.remove(other);
  });

  it('starts the program in its release, and tells it its port', async () => {
    const restart = { max: 2, windowMs: 5_000 };
    const one = release(1, { restart, memory: 64 * 1024 ** 2, port_variable: 'HTTP_PORT' });
    await target.runner.start(one);
    await target.runner.start(one);
    const [spec] = services.specs;
    expect(spec).toMatchObject({
      ...{ id: name(1), command: ['node', 'server.js'], cwd: at(1) },
      environment: [
        ['MODE', 'live'],
        ['HTTP_PORT', String(port)],
      ],
      limits: { memory_bytes: 64 * 1024 ** 2 },
      restart: { max: 2, window_ms: 5_000 },
    });
    expect((await services.list()).map(({ state }) => state)).toEqual(['running']);

    // What is left of an earlier start is no reason to refuse another one.
    variables = { MODE: 'other' };
    await target.runner.start(one);
    expect(services.specs.at(-1)?.environment?.[0]).toEqual(['MODE', 'other']);
    expect((await services.status(name(1)))?.state).toBe('running');
  });

  it('runs to its end what is to be run before, once, and says why it failed', async () => {
    const one = release(1, { before_switch: 'node migrate.js', secrets: ['PASSWORD'] });
    variables = { PASSWORD: 'configuration' };
    const run = async (code: number): Promise<readonly string[]> => {
      const lines: string[] = [];
      const running = target.runner.runBefore(one, (line) => void lines.push(line), NEVER);
      const ended = Promise.allSettled([running]);
      await eventually(async () => (await services.status(name(1)))?.pid ?? undefined);
      services.end(name(1), code);
      await ended;
      await running;
      return lines;
    };
    expect(target.runner.before(one.settings)).toBe('node migrate.js');
    expect(await run(0)).toEqual(['  it begins', '  no ***']);
    expect(services.specs.at(-1)).toMatchObject({
      ...{ command: 'node migrate.js', cwd: at(1), restart: { max: 0 } },
    });
    await expect(run(3)).rejects.toMatchObject({
      reason: {
        code: 'before_switch_failed',
        message: 'before_switch of release 1 failed: it ended with exit code 3',
      },
    });
    expect(await services.list()).toEqual([]);
    const stopped = new AbortController();
    const running = target.runner.runBefore(one, () => undefined, stopped.signal);
    const ended = expect(running).rejects.toThrow('enough');
    await eventually(async () => (await services.status(name(1)))?.pid ?? undefined);
    stopped.abort(new Error('enough'));
    await ended;
    expect(await services.list()).toEqual([]);
  });

  it('says that the supervisor does not take a program', async () => {
    variables = { MILLRACE_SERVICE: 'x' };
    await expect(target.runner.start(release(1))).rejects.toMatchObject({
      reason: { code: 'service_not_started' },
    });
  });

  it('knows its own programs among those of the supervisor, which are ended where nobody has them', async () => {
    await target.runner.start(release(1));
    for (const id of ['cron', 'shop.1', `${name(1)}.old`]) {
      await services.start({ id, command: ['cron'], cwd: base });
    }
    const listed = await target.instances.list();
    expect(listed.map((one) => one.name)).toEqual([name(1)]);
  });

  it('gives its port and all of the instance back when it is stopped', async () => {
    await target.runner.start(release(1));
    await expect(target.runner.start(release(2))).rejects.toThrow('PORT_RANGE');
    await target.runner.stop(release(1));
    expect(await services.list()).toEqual([]);
    expect(await ports.leases.list({ owner: instanceOwner(SERVICE, 1) })).toEqual([]);
    await target.runner.start(release(2));
  });

  it('passes who answers at its port', async () => {
    await target.runner.start(release(1));
    await listen();
    expect(await gate()).toEqual({ lines: ['release 1 answers: 1 probe'], error: undefined });
  });

  it('refuses at once who ends, with its last words', async () => {
    await target.runner.start(release(1));
    services.end(name(1), 3);
    const { lines, error } = await gate();
    expect(error).toBeInstanceOf(DeployRefusedError);
    expect(error).toMatchObject({
      reason: {
        code: 'gate_failed',
        message: 'release 1 does not pass its gate: it ended with exit code 3',
      },
    });
    expect(lines).toEqual(['  it begins', '  no configuration']);
  });

  it('tells no secret of what it said and answered', async () => {
    variables = { MODE: 'it begins', PASSWORD: 'configuration' };
    await target.runner.start(release(1));
    const { lines } = await gate(release(1, { secrets: ['PASSWORD'] }));
    expect(lines).toEqual(['  it begins', '  no ***']);
    program = createServer((_request, answer) => answer.writeHead(500).end('no configuration'));
    await new Promise<void>((resolve) => program?.listen(port, '127.0.0.1', resolve));
    // Of a release whose secrets nobody has named, each variable may be one.
    const { lines: all, error } = await gate(release(1));
    expect(all).toEqual(['  ***', '  no ***']);
    expect(error).toMatchObject({
      reason: { message: expect.stringContaining('GET / answers 500: no ***, after') as string },
    });
    const own = release(1, { secrets: ['PASSWORD'] });
    expect(await target.lastLines(own, 10)).toEqual(['it begins', 'no ***']);
    expect(await target.lastLines(own, 1)).toEqual(['no ***']);
  });

  it('looks into the instance that is meant, and not into the first one', async () => {
    const one = { ...release(1), instance: 1 };
    await target.runner.start(one);
    const check = { name: 'ready', type: 'exec', command: ['true'] } as const;
    const looked = (at: PlacedRelease<ServiceSettings>) =>
      target.check(at, { ...check, intervalMs: 30_000, timeoutMs: 5_000 });
    expect(await looked(one)).toEqual({ ok: true });
    expect(await looked(release(1))).toMatchObject({ ok: false, code: 'instance_gone' });
    await target.remove(one);
  });

  it('opens its secrets for a check that fails alone', async () => {
    await target.runner.start(release(1));
    const opens = async (code: number): Promise<[number, unknown]> => {
      services.answers = { kind: 'exited', code, said: 'it is live' };
      const before = opened;
      const check = { name: 'ready', type: 'exec', command: ['true'] } as const;
      const end = await target.check(release(1), { ...check, intervalMs: 9, timeoutMs: 9 });
      return [opened - before, end];
    };
    expect(await opens(0)).toEqual([0, { ok: true }]);
    const message = 'it ended with exit code 1: it is ***';
    expect(await opens(1)).toEqual([1, { ok: false, code: 'command_failed', message }]);
  });

  it('refuses who ended during its gate and was started again', async () => {
    await target.runner.start(release(1, { restart: { max: 9, windowMs: 1_000 } }));
    const look = services.status.bind(services);
    let looks = 0;
    services.status = async (id) => {
      const status = await look(id);
      looks += 1;
      const end = { kind: 'signalled', signal: 'SIGSEGV', at: '' } as const;
      return status && looks > 2 ? { ...status, restarts: 1, last_exit: end } : status;
    };
    const { error } = await gate();
    expect(error).toMatchObject({
      reason: { message: 'release 1 does not pass its gate: it was ended by SIGSEGV' },
    });
    // Once it was told, it may have happened before, as of a release that drains.
    await listen();
    expect((await gate()).error).toBeUndefined();
  });

  it.each([
    ['it listens at no port', []],
    [
      'it listens at 127.0.0.1:3000, not at PORT: let it listen at the port in PORT',
      [{ address: '127.0.0.1', port: 3000 }],
    ],
    [
      'it listens at [::1]:PORT, 192.0.2.1:PORT, where 127.0.0.1 does not lead: let it listen at 127.0.0.1',
      [
        { address: '::1', port: 'own' },
        { address: '192.0.2.1', port: 'own' },
        { address: '127.0.0.1', port: 3000 },
      ],
    ],
  ] as const)('tells who does not answer where it listens: %s', async (said, listens) => {
    await target.runner.start(release(1));
    const places = listens.map((one) => ({ ...one, port: one.port === 'own' ? port : one.port }));
    services.listen(name(1), places);
    const { error } = await gate();
    const message = error instanceof Error ? error.message : '';
    expect(message.replaceAll(`${port}`, 'PORT')).toContain(`; ${said}`);
  });

  it('asks the instance alone whether it answers, also where its supervisor is away', async () => {
    await target.plan(SERVICE, settings());
    await target.runner.start(release(1));
    services.status = () => Promise.reject(new LocalServicesError('unavailable', 'away'));
    expect(await target.runner.answer(release(1))).toMatch(/ECONNREFUSED/);
    await listen();
    expect(await target.runner.answer(release(1))).toBeUndefined();
    await expect(target.runner.probe(release(1))).rejects.toBeInstanceOf(TargetAwayError);
  });

  it.each([
    ['0.0.0.0', '0.0.0.0:PORT'],
    ['::', '[::]:PORT'],
    ['::ffff:0.0.0.0', '[::ffff:0.0.0.0]:PORT'],
    ['192.0.2.1', '192.0.2.1:PORT'],
  ])('warns of one that listens at %s, where others reach it', async (address, shown) => {
    await target.runner.start(release(1));
    services.listen(name(1), [
      { address: '127.0.0.1', port },
      { address, port },
    ]);
    const message = `release 1 listens at ${shown}: who reaches this host reaches it there, past the proxy; let it listen at 127.0.0.1 only`;
    expect(await target.runner.warnings(release(1))).toEqual([
      { code: 'open_to_others', message: message.replace('PORT', `${port}`), data: { release: 1 } },
    ]);
  });

  it.each(['127.0.0.1', '127.0.0.9', '::1', '::ffff:127.0.0.1'])(
    'warns of nothing where it listens at %s only',
    async (address) => {
      await target.runner.start(release(1));
      services.listen(name(1), [
        { address, port },
        { address: '0.0.0.0', port: port + 1 },
      ]);
      expect(await target.runner.warnings(release(1))).toEqual([]);
      await target.runner.stop(release(1));
      expect(await target.runner.warnings(release(1))).toEqual([]);
    },
  );

  it.each(['127.0.0.1', '0.0.0.0', '::'])(
    'says no place of one that listens at %s',
    async (address) => {
      await target.runner.start(release(1));
      services.listen(name(1), [{ address, port }]);
      const { error } = await gate();
      expect(error instanceof Error && error.message).not.toContain('it listens');
    },
  );

  it('says no place where the supervisor is older and does not know', async () => {
    await target.runner.start(release(1));
    const older = new LocalServicesError('failed', 'the supervisor knows no such request');
    services.listening = () => Promise.reject(older);
    const { error } = await gate();
    expect(error).toBeInstanceOf(DeployRefusedError);
    expect(error instanceof Error && error.message).not.toContain('it listens');
  });

  it('switches by the proxy, under its token alone', async () => {
    await target.plan(SERVICE, settings());
    await target.runner.start(release(1));
    expect(await target.serving(settings())).toBeUndefined();
    await target.arm(release(1), 'd.1');
    expect(await target.serving(settings())).toBeUndefined();
    await target.switchTo(release(1), 'd.1');
    expect(await target.serving(settings())).toBe(1);
    expect(await proxy.upstreamOf(shortName(SERVICE))).toEqual({ host: '127.0.0.1', port });
    await target.arm(release(1), 'd.2');
    await target.disarm(settings());
    await expect(target.switchTo(release(1), 'd.2')).rejects.toThrow();
  });

  it('asks the release before for static files where they are kept, and no other one', async () => {
    await target.plan(SERVICE, settings());
    const route = shortName(SERVICE);
    const before = { host: '127.0.0.1', port: 7001 };
    await target.arm(release(2), 'first');
    await proxy.arm(route, before, 'before');
    await proxy.switchTo(route, 'before');
    const kept = release(2, { keep_assets: 1000 });
    await target.arm(kept, 'lost');
    await target.arm(kept, 'made');
    await target.switchTo(kept, 'made');
    const serving = { host: '127.0.0.1', port, assetsFrom: before };
    expect(await proxy.upstreamOf(route)).toEqual(serving);
    // As after a crash: it serves already, and is armed once more.
    await target.arm(kept, 'again');
    await target.switchTo(kept, 'again');
    expect(await proxy.upstreamOf(route)).toEqual(serving);
    await target.arm(release(2), 'other');
    await target.switchTo(release(2), 'other');
    expect(await proxy.upstreamOf(route)).toEqual({ host: '127.0.0.1', port });
  });

  it('says what is away', async () => {
    const codeOf = async (call: Promise<unknown>): Promise<unknown> => {
      const error: unknown = await call.catch((each: unknown) => each);
      return error instanceof TargetAwayError ? error.reason.code : error;
    };
    services.isAway = true;
    expect(await codeOf(target.plan(SERVICE, settings()))).toBe('services_away');
    expect(await codeOf(target.runner.start(release(1)))).toBe('services_away');
    expect(await codeOf(target.runner.stop(release(1)))).toBe('services_away');
    services.isAway = false;
    proxy.isAway = true;
    expect(await codeOf(target.disarm(settings()))).toBe('proxy_away');
  });
});
