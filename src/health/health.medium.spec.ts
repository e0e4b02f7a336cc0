import type { NestExpressApplication } from '@nestjs/platform-express';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { eventually } from '../../test/support/eventually.js';
import { testServices } from '../../test/support/services.js';
import { createApiApp } from '../app/api-app.js';
import { createRootLogger } from '../common/logging/root-logger.js';
import { parseConfig } from '../config/load-config.js';

type Mode = 'open' | 'hung' | 'away' | 'mute';

/**
 * Stands between the API and a store, and can hang, be away, or pass everything on and bring no
 * answer back (`mute`).
 */
class FaultyLine {
  /** Becomes mute when this comes by. */
  muteAt: Buffer | undefined;
  private mode: Mode = 'open';
  private readonly pairs = new Set<readonly [Socket, Socket]>();
  private readonly server: Server;

  constructor(private readonly target: { path: string } | { host: string; port: number }) {
    this.server = createServer((near) => this.join(near));
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  set(mode: Mode): void {
    this.mode = mode;
    for (const [near, far] of this.pairs) {
      if (mode === 'away') near.destroy();
      else if (mode === 'hung') near.pause();
      else near.resume();
      if (mode === 'hung' || mode === 'mute') far.pause();
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
      from.on('data', (bytes: Buffer) => {
        if (from === near && this.muteAt && bytes.includes(this.muteAt)) this.set('mute');
        to.write(bytes);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        this.pairs.delete(pair);
      });
    }
    if (this.mode !== 'open') this.set(this.mode);
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
});

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
  });

  it('a write that was told to have failed and took effect is found by its key, not made again', async () => {
    await healthOnce(isUp('database'));
    const name = 'late';
    const post = (): request.Test =>
      request(app.getHttpServer())
        .post('/api/ci/pipelines')
        .set('authorization', 'Bearer a-token-of-a-fair-length')
        .set('idempotency-key', 'late-write')
        .send({ yaml_content: `name: ${name}\nsteps:\n  - { name: only, run: true }\n` });
    // A string of BSON: its length, its bytes, NUL.
    database.muteAt = Buffer.from('\x02insert\0\x0a\0\0\0pipelines\0', 'latin1');
    try {
      await post().expect(503);
    } finally {
      database.muteAt = undefined;
      database.set('open');
    }
    await healthOnce(isUp('database'));
    const list = async (): Promise<string[]> => {
      const answer = await request(app.getHttpServer())
        .get('/api/ci/pipelines?limit=100')
        .set('authorization', 'Bearer a-token-of-a-fair-length')
        .expect(200);
      const { items } = answer.body as { items: { id: string; name: string }[] };
      return items.filter((each) => each.name === name).map(({ id }) => id);
    };
    const made = await list();
    expect(made).toHaveLength(1);
    const repeated = await eventually(async () => {
      const answer = await post();
      return answer.status === 409 || answer.status === 503 ? undefined : answer;
    });
    expect([repeated.status, (repeated.body as { id: string }).id]).toEqual([201, made[0]]);
    expect(await list()).toEqual(made);
  });

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
