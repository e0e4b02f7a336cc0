import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { launchInOrder } from '../../src/cli/start/launch-order.js';
import { ServerProcess } from '../../src/cli/start/server-process.js';
import type { Environment } from '../../src/config/environment.js';
import { defaultCache } from '../../src/config/paths.js';
import { stopProxy } from '../../src/embedded/caddy/home-caddy.js';
import { type EmbeddedServices, startEmbedded } from '../../src/embedded/start-embedded.js';
import { freePort } from '../support/free-port.js';
import { endPrograms } from '../support/supervised-programs.js';
import { HttpClient } from './http-client.js';
import type { Subject } from './subject.js';
import { ColdStart } from './subjects/cold-start.subject.js';
import { FloorSubject } from './subjects/floor.subject.js';
import { MillraceSubject } from './subjects/millrace.subject.js';
import { ShellSubject } from './subjects/shell.subject.js';

const WORKERS = 2;
const READY_MS = 60_000;
const GRACE_MS = 36_000;

/** A server under measurement. */
export interface Server {
  readonly http: HttpClient;
  /** Its data folder. */
  readonly home: string;
  workerPids(): readonly number[];
  apiPids(): readonly number[];
  stop(): Promise<void>;
}

/**
 * Everything that is measured, on services of its own in a temporary home: durable, as `./millrace
 * start` has them, the API and two workers as processes, with their default settings.
 */
export class Rig {
  private constructor(
    private readonly home: string,
    private readonly services: EmbeddedServices,
    private readonly servers: Server[],
    readonly subjects: readonly Subject[],
    readonly millrace: MillraceSubject,
    readonly coldStarts: readonly Subject[],
    /** The server that `millrace` measures. */
    readonly server: Server,
    private readonly environment: Environment,
    private readonly died: (how: string) => void,
  ) {}

  /**
   * @param died told when one of the measured processes dies: what is measured then means nothing
   */
  static async start(
    progress: (line: string) => void,
    died: (how: string) => void,
    signal: AbortSignal,
  ): Promise<Rig> {
    const home = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
    // Services and steps are other users than root.
    await chmod(home, 0o755);
    const services = await startEmbedded({
      home: join(home, 'data'),
      cache: defaultCache(),
      durability: 'durable',
      need: { redis: true, database: true },
      env: process.env,
      progress,
      signal,
    });
    const servers: Server[] = [];
    try {
      const { redisUrl = '', mongodbUri } = services;
      const token = randomBytes(24).toString('hex');
      const environment = {
        MILLRACE_TOKEN: token,
        MONGODB_URI: mongodbUri,
        REDIS_URL: redisUrl,
        // All hosts of an installation have the same, those of the cold starts too.
        ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64')}`,
      };
      const folder = join(home, 'local');
      await mkdir(folder);
      const startMillrace = async (name: string): Promise<Server> =>
        millraceServer(join(home, name), await freePort(), environment, died);
      const startFloor = async (): Promise<Server> =>
        floorServer(folder, new URL(redisUrl).pathname);
      const main = await startMillrace('data');
      servers.push(main);
      const floor = await startFloor();
      servers.push(floor);
      await Promise.all([answers(main, '/api/health/ready'), answers(floor, '/')]);
      const millrace = new MillraceSubject(main.http);
      return new Rig(
        home,
        services,
        servers,
        [new ShellSubject(folder), new FloorSubject(floor.http, folder), millrace],
        millrace,
        [
          new ColdStart('floor', startFloor, async () => (http) => http.send('POST', '/', {})),
          new ColdStart(
            'millrace',
            () => startMillrace('cold'),
            async (work) => {
              const path = `/api/ci/pipelines/${await millrace.createPipeline(work)}/trigger`;
              return (http) => http.send('POST', path, {});
            },
          ),
        ],
        main,
        environment,
        died,
      );
    } catch (error) {
      await stopAll(home, services, servers);
      throw error;
    }
  }

  get mongodbUri(): string {
    return this.services.mongodbUri ?? '';
  }

  /**
   * One more server over a database of its own. It is stopped with the rig, if not before.
   *
   * @param workers how many; none: the API alone
   * @param own variables on top
   */
  async startServer(databaseName: string, workers: number, own: Environment = {}): Promise<Server> {
    const environment = { ...this.environment, MONGODB_DATABASE: databaseName, ...own };
    const port = await freePort();
    const home = join(this.home, databaseName);
    const server = await millraceServer(home, port, environment, this.died, workers);
    this.servers.push(server);
    await answers(server, '/api/health/ready');
    return server;
  }

  /** Before the rig is: what it depends on ends now. */
  async stopServer(server: Server): Promise<void> {
    this.servers.splice(this.servers.indexOf(server), 1);
    await server.stop();
  }

  workerPids(): readonly number[] {
    return this.servers[0]?.workerPids() ?? [];
  }

  redisPids(): readonly number[] {
    const redis = this.services.processes().filter(({ service }) => service === 'redis');
    return redis.flatMap(({ pid }) => pid ?? []);
  }

  stop(): Promise<void> {
    return stopAll(this.home, this.services, this.servers);
  }
}

async function stopAll(
  home: string,
  services: EmbeddedServices,
  servers: readonly Server[],
): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
  await services.stop();
  await rm(home, { recursive: true, force: true });
}

async function millraceServer(
  home: string,
  port: number,
  given: Environment,
  died: (how: string) => void,
  workerCount = WORKERS,
): Promise<Server> {
  await mkdir(home, { recursive: true });
  const environment = {
    ...process.env,
    ...given,
    PORT: String(port),
    MILLRACE_HOME: home,
    // Forges and repositories of the bench are on loopback, and reach it there.
    PUBLIC_URL: `http://127.0.0.1:${String(port)}`,
    ALLOW_PRIVATE_URLS: '127.0.0.0/8',
  };
  const events = {
    output: (_name: string, bytes: Buffer) => appendFileSync(`${home}.log`, bytes),
    died: (name: string, how: string) => died(`${name} died: ${how}`),
  };
  const prepared = (name: string, entry: 'main' | 'worker', role: string): ServerProcess =>
    new ServerProcess(
      { name, entry, environment: { ...environment, ROLE: role }, graceMs: GRACE_MS },
      events,
    );
  const api = prepared('api', 'main', 'api');
  const workers = Array.from({ length: workerCount }, () => prepared('worker', 'worker', 'worker'));
  // One that ends is told by its events.
  launchInOrder(api, workers).catch(() => undefined);
  const http = new HttpClient(port, given.MILLRACE_TOKEN);
  return {
    http,
    home,
    workerPids: () => workers.flatMap(({ pid }) => pid ?? []),
    apiPids: () => (api.pid === undefined ? [] : [api.pid]),
    stop: async () => {
      http.close();
      await Promise.all(workers.map((worker) => worker.stop()));
      await api.stop();
      // What it has put into service outlives it.
      await endPrograms(home);
      if (existsSync(join(home, 'caddy'))) await stopProxy(home, () => undefined);
    },
  };
}

async function floorServer(folder: string, redisSocket: string): Promise<Server> {
  const port = await freePort();
  const entry = fileURLToPath(new URL('floor.js', import.meta.url));
  const start = (role: string): ChildProcess =>
    spawn(process.execPath, [entry, role, redisSocket, folder, String(port)], { stdio: 'inherit' });
  const processes = [start('api'), ...Array.from({ length: WORKERS }, () => start('worker'))];
  const http = new HttpClient(port);
  return {
    http,
    home: folder,
    workerPids: () => processes.slice(1).flatMap(({ pid }) => pid ?? []),
    apiPids: () => processes.slice(0, 1).flatMap(({ pid }) => pid ?? []),
    stop: async () => {
      http.close();
      const ends = processes.map((child) => once(child, 'exit'));
      for (const child of processes) child.kill('SIGKILL');
      await Promise.all(ends);
    },
  };
}

/** Waits until the server answers with anything good. */
async function answers({ http }: Server, path: string): Promise<void> {
  const giveUpAt = performance.now() + READY_MS;
  for (;;) {
    const answer = await http.send('GET', path).catch(() => undefined);
    if (answer && answer.status < 300) return;
    if (performance.now() > giveUpAt) throw new Error(`GET ${path} had no good answer in time`);
    await sleep(50);
  }
}
