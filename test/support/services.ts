import { createHash } from 'node:crypto';

/**
 * Variables by which the global set-up names the services to Jest's workers; set them to use
 * others.
 */
export const addresses = {
  redisUrl: 'TEST_REDIS_URL',
  mongodbUri: 'TEST_MONGODB_URI',
  run: 'MILLRACE_TEST_RUN',
} as const;

export interface TestServices {
  readonly mongodbUri: string;
  /** Of this spec file and this run alone; empty at its start. */
  readonly databaseName: string;
  /** Names a Redis database of this Jest worker: `FLUSHDB` in it disturbs no other file. */
  readonly redisUrl: string;
  /** Of this spec file and this run alone: channels of Redis are not divided by database. */
  readonly keyPrefix: string;
}

/** Databases that are given out; the embedded Redis of the tests has 64, a stock one 16. */
const REDIS_DATABASES = 16;

/**
 * The real services for one spec file (`*.medium.spec.ts`, or below `test/e2e`, `test/scenarios`,
 * `test/faults`: the projects with the global set-up). Call it anywhere in the file; it gives the
 * same answer each time.
 *
 * @throws Error in a spec of the unit project, where no services are started.
 */
export function testServices(): TestServices {
  const mongodbUri = process.env[addresses.mongodbUri];
  const redisUrl = process.env[addresses.redisUrl];
  if (mongodbUri === undefined || redisUrl === undefined) {
    throw new Error(
      'no test services: name this file *.medium.spec.ts, or set TEST_REDIS_URL and TEST_MONGODB_URI',
    );
  }
  const file = expect.getState().testPath ?? '';
  const hash = createHash('sha256').update(file).digest('hex').slice(0, 10);
  const name = `t_${process.env[addresses.run] ?? 'run'}_${hash}`;
  return {
    mongodbUri,
    databaseName: name,
    redisUrl: withDatabase(redisUrl, Number(process.env['JEST_WORKER_ID'] ?? '1')),
    keyPrefix: name,
  };
}

/** Adds the worker's database number, unless the address names one itself. */
export function withDatabase(url: string, worker: number): string {
  const database = String(worker % REDIS_DATABASES);
  if (/^rediss?:/.test(url)) {
    const parsed = new URL(url);
    if (parsed.pathname === '' || parsed.pathname === '/') parsed.pathname = `/${database}`;
    return parsed.toString();
  }
  return url.includes('?') ? url : `${url}?db=${database}`;
}
