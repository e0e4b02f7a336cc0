import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import mongoose from 'mongoose';
import { defaultCache } from '../../src/config/paths.js';
import { readProcess } from '../../src/common/child-process/process-stat.js';
import {
  startEmbedded,
  type EmbeddedOptions,
  type EmbeddedServices,
} from '../../src/embedded/start-embedded.js';
import type { ServiceEvent, ServiceName } from '../../src/embedded/supervision/embedded-service.js';

const MINUTES = 60_000;

describe('embedded services, durable', () => {
  let home: string;
  let events: ServiceEvent[];
  const open: EmbeddedServices[] = [];

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'millrace-home-'));
    events = [];
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((services) => services.stop()));
    await rm(home, { recursive: true, force: true });
  });

  async function start(overrides: Partial<EmbeddedOptions> = {}): Promise<EmbeddedServices> {
    const services = await startEmbedded({
      home,
      cache: defaultCache(),
      durability: 'durable',
      need: { redis: true, database: true },
      env: process.env,
      progress: () => undefined,
      onEvent: (event) => events.push(event),
      ...overrides,
    });
    open.push(services);
    return services;
  }

  it(
    'keeps what was written through kill -9 of each part',
    async () => {
      const services = await start();
      const stores = await connect(services);
      for (const service of parts(services)) {
        await stores.insert(service);
        process.kill(pidOf(services, service), 'SIGKILL');
        await until(() => events.some((e) => e.kind === 'restarted' && e.service === service));
        await until(() => stores.find(service));
        await until(() => stores.redisHas(service));
      }
      expect(events.filter((event) => event.kind === 'died')).toHaveLength(parts(services).length);
      await stores.close();
    },
    2 * MINUTES,
  );

  it(
    'leaves no process and no socket folder at stop, and finds its data at the second start',
    async () => {
      const first = await start();
      const before = await connect(first);
      await before.insert('kept');
      await before.close();
      const pids = first.processes().map(({ pid }) => pid ?? 0);
      const sockets = (await readFile(join(home, 'embedded/socket-folder'), 'utf8')).trim();
      await first.stop();
      for (const pid of pids) expect(isGone(pid)).toBe(true);
      await expect(readFile(join(sockets, 'm.sock'))).rejects.toMatchObject({ code: 'ENOENT' });

      const second = await start();
      const after = await connect(second);
      expect(await after.find('kept')).toBe(true);
      expect(await after.redisHas('kept')).toBe(true);
      await after.close();
    },
    2 * MINUTES,
  );

  it(
    'refuses a second start on the same home, and gives it back at stop',
    async () => {
      const first = await start();
      await expect(start()).rejects.toMatchObject({ code: 'home_in_use' });
      expect(first.processes().every(({ pid }) => pid !== undefined)).toBe(true);
      await first.stop();
      await expect(start()).resolves.toBeDefined();
    },
    2 * MINUTES,
  );

  it('starts only what is needed', async () => {
    const services = await start({ need: { redis: true, database: false } });
    expect(services.mongodbUri).toBeUndefined();
    expect(parts(services)).toEqual(['redis']);
  });

  it('starts Redis empty when its data cannot be read, says so and keeps the data', async () => {
    const redisOnly = { need: { redis: true, database: false } };
    await (await start(redisOnly)).stop();
    const manifest = 'appendonlydir/appendonly.aof.manifest';
    await writeFile(join(home, 'embedded/redis', manifest), 'not a manifest');
    const lines: string[] = [];
    await start({ ...redisOnly, progress: (line) => lines.push(line) });
    expect(lines).toEqual([expect.stringContaining('redis.unreadable')]);
    const kept = await readFile(join(home, 'embedded/redis.unreadable', manifest), 'utf8');
    expect(kept).toBe('not a manifest');
  });

  it('throwaway removes its home at stop', async () => {
    const services = await start({
      durability: 'throwaway',
      need: { redis: true, database: false },
    });
    await services.stop();
    await expect(readFile(join(home, 'embedded/redis.conf'))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});

interface Stores {
  insert(id: string): Promise<void>;
  find(id: string): Promise<boolean>;
  redisHas(id: string): Promise<boolean>;
  close(): Promise<void>;
}

async function connect(services: EmbeddedServices): Promise<Stores> {
  const connection = mongoose.createConnection(services.mongodbUri ?? '', { dbName: 'e2e' });
  await connection.asPromise();
  const kept = connection.collection<{ _id: string }>('kept');
  const redis = new Redis(services.redisUrl ?? '', { maxRetriesPerRequest: null });
  // ioredis reports each lost connection; it connects again by itself.
  redis.on('error', () => undefined);
  return {
    async insert(id) {
      await kept.insertOne({ _id: id });
      await redis.set(id, '1');
    },
    find: async (id) => (await kept.findOne({ _id: id }).catch(() => null)) !== null,
    redisHas: async (id) => (await redis.get(id)) === '1',
    async close() {
      redis.disconnect();
      await connection.close();
    },
  };
}

function parts(services: EmbeddedServices): readonly ServiceName[] {
  return services.processes().map(({ service }) => service);
}

function pidOf(services: EmbeddedServices, name: ServiceName): number {
  const pid = services.processes().find(({ service }) => service === name)?.pid;
  if (pid === undefined) throw new Error(`${name} does not run`);
  return pid;
}

function isGone(pid: number): boolean {
  return readProcess(pid) === undefined;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
