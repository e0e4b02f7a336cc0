import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { defaultCache } from '../../../src/config/paths.js';
import { type EmbeddedServices, startEmbedded } from '../../../src/embedded/start-embedded.js';
import type { ServiceName } from '../../../src/embedded/supervision/embedded-service.js';
import { eventually } from '../../support/eventually.js';

/** Redis and the database of one test alone, durable, to be killed, hung and emptied. */
export class OwnStores {
  private constructor(
    private readonly home: string,
    private readonly services: EmbeddedServices,
  ) {}

  static async start(): Promise<OwnStores> {
    const home = await mkdtemp(join(tmpdir(), 'millrace-faults-'));
    const services = await startEmbedded({
      home,
      cache: defaultCache(),
      durability: 'durable',
      need: { redis: true, database: true },
      env: process.env,
      progress: () => undefined,
    });
    return new OwnStores(home, services);
  }

  get environment(): { readonly MONGODB_URI: string; readonly REDIS_URL: string } {
    const { mongodbUri, redisUrl } = this.services;
    if (mongodbUri === undefined || redisUrl === undefined) throw new Error('a store is missing');
    return { MONGODB_URI: mongodbUri, REDIS_URL: redisUrl };
  }

  /** The services that are the database: each can fail alone. */
  get databaseServices(): ServiceName[] {
    return this.services
      .processes()
      .map(({ service }) => service)
      .filter((service) => service !== 'redis');
  }

  /** Kills it; its supervisor starts it again by itself. Resolves when it was. */
  async kill(service: ServiceName): Promise<void> {
    const pid = this.pid(service);
    if (pid === undefined) throw new Error(`${service} does not run`);
    signal(pid, 'SIGKILL');
    await eventually(() => {
      const next = this.pid(service);
      return next !== undefined && next !== pid ? next : undefined;
    });
  }

  /** Kills it as often as it comes up, for so long. */
  async keepDown(service: ServiceName, ms: number): Promise<void> {
    const until = performance.now() + ms;
    while (performance.now() < until) await this.kill(service);
  }

  /** Stops the process and its children for so long: connections stay open and nothing answers. */
  async hang(service: ServiceName, ms: number): Promise<void> {
    const pid = this.pid(service);
    if (pid === undefined) throw new Error(`${service} does not run`);
    const stopped = [pid, ...(await childrenOf(pid))];
    for (const each of stopped) signal(each, 'SIGSTOP');
    try {
      await sleep(ms);
    } finally {
      for (const each of stopped) signal(each, 'SIGCONT');
    }
  }

  /** Runs a command of Redis. */
  async redis<T>(call: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.environment.REDIS_URL);
    try {
      return await call(redis);
    } finally {
      redis.disconnect();
    }
  }

  async stop(): Promise<void> {
    await this.services.stop();
    await rm(this.home, { recursive: true, force: true });
  }

  private pid(service: ServiceName): number | undefined {
    return this.services.processes().find((process) => process.service === service)?.pid;
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const parents = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      // proc(5): pid (comm) state ppid
      return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
    }),
  );
  return pids.map(Number).filter((_pid, index) => parents[index] === parent);
}

/** It may have ended meanwhile. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
