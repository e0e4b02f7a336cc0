import type { NestExpressApplication } from '@nestjs/platform-express';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { testServices } from '../../test/support/services.js';
import { createApiApp } from '../api-app.js';
import { createRootLogger } from '../common/logging/root-logger.js';
import { parseConfig } from '../config/load-config.js';

/** Stands between the API and a store, and can hang or be away. */
class FaultyLine {
  private mode: 'open' | 'hung' | 'away' = 'open';
  private readonly pairs = new Set<readonly [Socket, Socket]>();
  private readonly server: Server;

  constructor(private readonly target: { path: string } | { host: string; port: number }) {
    this.server = createServer((near) => this.join(near));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  set(mode: 'open' | 'hung' | 'away'): void {
    this.mode = mode;
    for (const [near, far] of this.pairs) {
      if (mode === 'away') near.destroy();
      else if (mode === 'hung') near.pause();
      else near.resume();
      if (mode === 'hung') far.pause();
      else far.resume();
    }
  }

  close(): void {
    this.set('away');
    this.server.close();
  }

  private join(near: Socket): void {
    if (this.mode === 'away') {
      near.destroy();
      return;
    }
    const far = connect(this.target);
    const pair = [near, far] as const;
    this.pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        this.pairs.delete(pair);
      });
    }
    if (this.mode === 'hung') this.set('hung');
  }
}

function targetOf(
  uri: string,
  defaultPort: number,
): { path: string } | { host: string; port: number } {
  const unix = /^(?:unix:\/\/)?(\/[^?]+)/.exec(uri)?.[1];
  if (unix) return { path: unix };
  const host = /^[a-z]+:\/\/(?:[^@/]*@)?([^/?]+)/.exec(uri)?.[1] ?? '';
  const name = decodeURIComponent(host);
  if (name.startsWith('/')) return { path: name };
  const [hostname = '', port] = name.split(':');
  return { host: hostname, port: Number(port ?? defaultPort) };
}

let home: string;
let app: NestExpressApplication;
let database: FaultyLine;
let redis: FaultyLine;

beforeAll(async () => {
  const services = testServices();
  database = new FaultyLine(targetOf(services.mongodbUri, 27017));
  redis = new FaultyLine(targetOf(services.redisUrl, 6379));
  home = mkdtempSync(join(tmpdir(), 'millrace-health-'));
  const result = parseConfig({
    MONGODB_URI: `mongodb://127.0.0.1:${await database.listen()}/?directConnection=true`,
    MONGODB_DATABASE: services.databaseName,
    REDIS_URL: `redis://127.0.0.1:${await redis.listen()}`,
    MILLRACE_HOME: home,
    MILLRACE_TOKEN: 'a-token-of-a-fair-length',
  });
  if (result.kind === 'invalid') throw new Error(JSON.stringify(result.problems));
  const logger = createRootLogger({ level: 'silent', role: 'test' });
  app = await createApiApp('api', result.config, logger);
  await app.listen(0, '127.0.0.1');
});
afterAll(async () => {
  await app.close();
  database.close();
  redis.close();
  rmSync(home, { recursive: true });
}, 20_000);

interface Health {
  readonly code: number;
  readonly status: string;
  readonly checks: Readonly<Record<string, { status: string; message: string }>>;
}

async function health(): Promise<Health> {
  const start = performance.now();
  const response = await request(app.getHttpServer()).get('/api/healthchecker');
  expect(performance.now() - start).toBeLessThan(2_500);
  const { status, checks } = response.body as Omit<Health, 'code'>;
  return { code: response.status, status, checks };
}

async function healthOnce(condition: (health: Health) => boolean): Promise<Health> {
  for (;;) {
    const now = await health();
    if (condition(now)) return now;
  }
}

const isUp =
  (name: string) =>
  ({ checks }: Health): boolean =>
    checks[name]?.status === 'up';
const isDown =
  (name: string) =>
  ({ checks }: Health): boolean =>
    checks[name]?.status === 'down';

describe('health', () => {
  it.each(['hung', 'away'] as const)(
    'tells that the database is %s, and that it is back',
    async (mode) => {
      await healthOnce(isUp('database'));
      database.set(mode);
      const down = await healthOnce(isDown('database'));
      expect([down.code, down.status]).toEqual([503, 'down']);
      expect(down.checks['redis']?.status).toBe('up');
      await request(app.getHttpServer()).get('/api/health/live').expect(200);
      database.set('open');
      const back = await healthOnce(isUp('database'));
      expect(back.code).toBe(200);
    },
    60_000,
  );

  it('answers reads and writes by 503 within 5 s while the database hangs, also again and again', async () => {
    await healthOnce(isUp('database'));
    const authorization = 'Bearer a-token-of-a-fair-length';
    const yaml_content = 'name: hung\nsteps:\n  - { name: only, run: true }\n';
    const ask = async (method: 'get' | 'post', key?: string): Promise<void> => {
      const begun = performance.now();
      const path = method === 'get' ? '/api/ci/executions' : '/api/ci/pipelines';
      const sent = request(app.getHttpServer())[method](path).set('authorization', authorization);
      if (key !== undefined) void sent.set('idempotency-key', key);
      const { status, headers } = await (method === 'get' ? sent : sent.send({ yaml_content }));
      expect([status, headers['retry-after']]).toEqual([503, expect.stringMatching(/^[1-9]/)]);
      expect(performance.now() - begun).toBeLessThan(5_000);
    };
    database.set('hung');
    try {
      for (let round = 1; round <= 2; round++) {
        await Promise.all([ask('get'), ask('post'), ask('post', `hung-${round}`)]);
      }
    } finally {
      database.set('open');
    }
    await healthOnce(isUp('database'));
  }, 60_000);

  it.each(['hung', 'away'] as const)(
    'serves on while Redis is %s, and says so',
    async (mode) => {
      await healthOnce(isUp('redis'));
      redis.set(mode);
      const down = await healthOnce(isDown('redis'));
      expect([down.code, down.status]).toEqual([200, 'degraded']);
      redis.set('open');
      await healthOnce(isUp('redis'));
    },
    60_000,
  );
});
