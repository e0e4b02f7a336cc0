import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultCache } from '../../src/config/paths.js';
import { startEmbedded, type EmbeddedServices } from '../../src/embedded/start-embedded.js';
import { addresses } from './services.js';

/**
 * What the tear-down finds on `globalThis.millraceTestServices`: Jest gives the two no variable in
 * common.
 */
export type ServicesOfRun = Pick<EmbeddedServices, 'stop'>;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Starts one throwaway Redis and one throwaway database for the whole Jest run and names them to
 * the workers, unless TEST_REDIS_URL and TEST_MONGODB_URI name others. They end with this process,
 * however it ends.
 */
export async function startForRun(): Promise<void> {
  const redis = process.env[addresses.redisUrl];
  const mongodb = process.env[addresses.mongodbUri];
  process.env[addresses.run] = randomBytes(3).toString('hex');
  if (redis !== undefined && mongodb !== undefined) return;
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    stop.abort();
    process.exitCode = signal === 'SIGINT' ? 130 : 143;
  };
  for (const signal of SIGNALS) process.once(signal, onSignal);
  const services = await startEmbedded({
    home: await mkdtemp(join(tmpdir(), 'millrace-test-')),
    cache: defaultCache(),
    durability: 'throwaway',
    need: { redis: redis === undefined, database: mongodb === undefined },
    env: process.env,
    progress: (line) => process.stderr.write(`tests: ${line}\n`),
    signal: stop.signal,
  });
  // From here on Jest may die of a signal as it likes: the services end with it.
  for (const signal of SIGNALS) process.off(signal, onSignal);
  (globalThis as { millraceTestServices?: ServicesOfRun }).millraceTestServices = services;
  process.env[addresses.redisUrl] = redis ?? services.redisUrl;
  process.env[addresses.mongodbUri] = mongodb ?? services.mongodbUri;
}
