import { eventually } from '../support/eventually.js';
import { FaultRig } from './support/fault-rig.js';

jest.setTimeout(240_000);

interface Health {
  readonly status: string;
  readonly checks: Readonly<Record<string, { readonly status: string; readonly message: string }>>;
}

describe('the memory of Redis', () => {
  let rig: FaultRig;

  beforeAll(async () => {
    rig = await FaultRig.start();
  });

  afterAll(async () => {
    await rig.stop();
  });

  beforeEach(async () => {
    await rig.beginCase();
  });

  it('is full, and it refuses writes: what is triggered waits, what runs ends well', async () => {
    await rig.beginLong();
    await rig.beforeBlow();
    await set('maxmemory', '1');
    await rig.triggerShort();
    await rig.triggerShort();
    expect(rig.refused).toEqual([]);
    expect(rig.delayed).toHaveLength(2);
    expect(await redisHealth()).toMatchObject({
      status: 'degraded',
      message: expect.stringContaining('full'),
    });
    await rig.release();
    const [long = ''] = rig.accepted;
    // Its log and its end are in the database: Redis being full does not keep it.
    expect(await rig.server.finished(long)).toMatchObject({ status: 'success', attempt: 1 });

    await set('maxmemory', '0');
    await rig.expectNothingLost();
    expect(await redisHealth()).toMatchObject({ status: 'up' });
  });

  it('evicts (wrong policy): told in the log and by the health page, and nothing is lost', async () => {
    await set('maxmemory-policy', 'allkeys-random');
    expect(await redisHealth()).toMatchObject({
      status: 'degraded',
      message: expect.stringContaining('noeviction'),
    });
    const added = await rig.server.startWorker();
    await eventually(() => added.output().includes('maxmemory-policy') || undefined);

    await rig.beginLong();
    for (let count = 0; count < 6; count++) {
      await rig.triggerShort();
      await rig.beforeBlow(200);
      await evictHalf();
    }
    await rig.release();
    await set('maxmemory-policy', 'noeviction');
    await rig.expectNothingLost();
  });

  async function set(name: string, value: string): Promise<void> {
    await rig.stores.redis((redis) => redis.config('SET', name, value));
  }

  /**
   * Drops keys by chance, as Redis does when it must find room; how many it drops by itself is not
   * to be foreseen.
   */
  async function evictHalf(): Promise<void> {
    await rig.stores.redis(async (redis) => {
      const keys = await redis.keys('*');
      const dropped = keys.sort().filter(() => rig.jitter.chance(0.5));
      if (dropped.length > 0) await redis.del(...dropped);
    });
  }

  async function redisHealth(): Promise<unknown> {
    const response = await rig.server.fetch('GET', '/api/healthchecker');
    return ((await response.json()) as Health).checks['redis'];
  }
});
