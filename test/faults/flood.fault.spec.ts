import { Redis } from 'ioredis';
import { MillraceServer, type ServerProcess } from '../support/millrace-server.js';
import { residentOf } from '../support/process-memory.js';
import { expectInvariants } from './support/expect-invariants.js';
import { OwnStores } from './support/own-stores.js';

jest.setTimeout(170_000);

const MiB = 1024 * 1024;
/**
 * docs/promises, the row of 200,000 lines. What a first flood makes the heap and its buffers grow
 * to, garbage that is not collected yet among it, stays with the process and is no growth: on a
 * busy machine that alone is 100 MiB. What came of the length of a flood would come again of one
 * that is longer.
 */
const WORKER_GROWTH = 64_000_000;
/** docs/promises, the row of 200,000 lines. */
const REDIS_GROWTH = 16 * MiB;
const LOG_LIMIT = 16 * MiB;

describe('a step that floods', () => {
  /** Its Redis is measured: what other specs put there would count. */
  let stores: OwnStores;
  let server: MillraceServer;
  let worker: ServerProcess;

  beforeAll(async () => {
    stores = await OwnStores.start();
    server = await MillraceServer.start({
      workers: 1,
      environment: { ...stores.environment, MAX_LOG_SIZE: String(LOG_LIMIT) },
    });
    [worker] = server.workers as [ServerProcess];
    // Floods of both kinds, shorter ones; both are longer than the log may be.
    await server.run(pipeline('head -c 100000000 /dev/zero | tr "\\0" x'));
    await server.run(pipeline('yes 0123456789 | head -n 2000000'));
  });

  afterAll(async () => {
    await server.stop();
    await stores.stop();
  });

  it.each([
    ['1 GB in one line', 'head -c 1000000000 /dev/zero | tr "\\0" x', 0],
    ['a million lines a second', 'yes 0123456789 | head -n 5000000; exit 3', 3],
  ])(
    '%s: cut with a marker, bounded memory, and its true exit status',
    async (_name, run, code) => {
      const growth = await peaksDuring(async () => {
        const ended = await server.run(pipeline(run), {}, 120_000);
        expect(ended).toMatchObject({
          status: code === 0 ? 'success' : 'failed',
          stages: [{ steps: [{ exit_code: code }] }],
        });
        const text = await server.logText(ended.id);
        expect(text.match(/^\{truncated\}.*$/gm)).toEqual([
          `{truncated} The log reached its limit of ${LOG_LIMIT} bytes; further output is dropped.`,
          expect.stringMatching(/^\{truncated\} [1-9]\d+ bytes were dropped\.$/),
        ]);
        expect(text.length).toBeLessThan(LOG_LIMIT + MiB);
      });
      process.stdout.write(`flood: worker +${mib(growth.worker)}, Redis +${mib(growth.redis)}\n`);
      expect(growth.worker).toBeLessThan(WORKER_GROWTH);
      expect(growth.redis).toBeLessThan(REDIS_GROWTH);
      await expectInvariants({ server });
    },
  );

  /** How far the worker's resident memory and Redis' used memory rose above where they began. */
  async function peaksDuring(
    work: () => Promise<void>,
  ): Promise<{ worker: number; redis: number }> {
    const redis = new Redis(stores.environment.REDIS_URL);
    const measure = async (): Promise<{ worker: number; redis: number }> => ({
      worker: residentOf(worker.pid),
      redis: Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]),
    });
    const before = await measure();
    const peak = { worker: 0, redis: 0 };
    let over = false;
    const sampling = (async () => {
      while (!over) {
        const now = await measure();
        peak.worker = Math.max(peak.worker, now.worker - before.worker);
        peak.redis = Math.max(peak.redis, now.redis - before.redis);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    try {
      await work();
    } finally {
      over = true;
      await sampling;
      redis.disconnect();
    }
    return peak;
  }
});

function pipeline(run: string): string {
  return `name: flood\nsteps:\n  - { name: only, run: ${JSON.stringify(run)} }\n`;
}

function mib(bytes: number): string {
  return `${(bytes / MiB).toFixed(1)} MiB`;
}
