import { eventually } from '../../../test/support/eventually.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { BullJobQueue } from './bull-job-queue.js';

describe('BullJobQueue while Redis is away', () => {
  it('refuses at once: a trigger does not wait out a deadline', async () => {
    const redis = new RedisConnections({ url: 'redis://127.0.0.1:1', keyPrefix: 'test' });
    const queue = new BullJobQueue(redis);
    try {
      await eventually(() => redis.isAway() || undefined);
      await expect(queue.enqueue('linux', { executionId: 'a', enqueueNumber: 1 })).rejects.toThrow(
        'Redis is away',
      );
    } finally {
      await queue.close();
      redis.close();
    }
  });
});
