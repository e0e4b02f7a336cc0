import { testServices } from '../../../test/support/services.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { RedisSharedCounts } from './redis-shared-counts.js';
import type { CountUpdate } from './shared-counts.js';

const windowMs = 60_000;
let redis: RedisConnections;
let counts: RedisSharedCounts;
beforeAll(async () => {
  const { redisUrl, keyPrefix } = testServices();
  redis = new RedisConnections({ url: redisUrl, keyPrefix });
  counts = new RedisSharedCounts(redis);
  await new Promise<void>((resolve) => redis.commands().once('ready', () => resolve()));
});
afterAll(() => redis.close());

const update = (client: string, window: number, add: number): CountUpdate => ({
  limiter: 'test',
  client,
  window,
  add,
});

describe('RedisSharedCounts', () => {
  it('adds up, for each client and window, and tells the window before', async () => {
    await counts.add([update('a', 7, 5), update('b', 7, 1)], windowMs);
    const totals = await counts.add(
      [update('a', 7, 2), update('b', 8, 1), update('2001:db8:1:2::/64', 8, 3)],
      windowMs,
    );
    expect(totals).toEqual([
      { current: 7, previous: 0 },
      { current: 1, previous: 1 },
      { current: 3, previous: 0 },
    ]);
  });

  it('loses nothing when many add at once', async () => {
    const one = [update('many', 1, 1)];
    await Promise.all(Array.from({ length: 200 }, () => counts.add(one, windowMs)));
    expect(await counts.add([update('many', 1, 0)], windowMs)).toEqual([
      { current: 200, previous: 0 },
    ]);
  });

  it('leaves no key for ever', async () => {
    await counts.add([update('gone', 1, 1)], 500);
    const key = redis.key('limit', 'test', 1, 'gone');
    expect(await redis.commands().pttl(key)).toBeGreaterThan(500);
    expect(await redis.commands().pttl(key)).toBeLessThanOrEqual(1_000);
  });

  it('rejects when Redis is away', async () => {
    const away = new RedisConnections({ url: 'redis://127.0.0.1:1', keyPrefix: 'x' });
    const there = new RedisSharedCounts(away);
    await expect(there.add([update('a', 1, 1)], windowMs)).rejects.toThrow();
    away.close();
  });
});
