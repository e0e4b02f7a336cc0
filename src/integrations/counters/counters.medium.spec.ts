import { randomUUID } from 'node:crypto';
import { RedisConnections } from '../redis/redis-connections.js';
import { testServices } from '../../../test/support/services.js';
import type { Counters } from './counters.js';
import { MemoryCounters } from './memory-counters.fixture.js';
import { RedisCounters } from './redis-counters.js';

describe.each(['Redis', 'memory'])('counters in %s', (kind) => {
  let redis: RedisConnections;
  let counters: Counters;

  beforeAll(() => {
    const keyPrefix = `test-${randomUUID()}`;
    redis = new RedisConnections({ url: testServices().redisUrl, keyPrefix });
    redis.commands().options.enableOfflineQueue = true;
    counters = kind === 'Redis' ? new RedisCounters(redis) : new MemoryCounters();
  });
  afterAll(() => redis.close());

  it('count each name from 1, and give no number twice', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => counters.next(['a', 'b'])));
    expect([...all].sort((x, y) => Number(x) - Number(y))).toEqual(
      Array.from({ length: 20 }, (_each, index) => index + 1),
    );
    expect(await counters.next(['a', 'c'])).toBe(1);
  });

  it('count on behind what is taken, and never back', async () => {
    expect(await counters.next(['d'], 41)).toBe(42);
    expect(await counters.next(['d'], 7)).toBe(43);
    expect(await counters.next(['d'])).toBe(44);
  });

  it('say nothing when they cannot count', async () => {
    if (counters instanceof MemoryCounters) counters.isAway = true;
    else redis.close();
    expect(await counters.next(['a', 'b'])).toBeUndefined();
  });
});
