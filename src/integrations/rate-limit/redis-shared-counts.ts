import type { RedisConnections } from '../redis/redis-connections.js';
import { SharedCounts, type CountUpdate, type WindowTotals } from './shared-counts.js';

/**
 * Pairs of keys: this window's, which is added to, and the one's before. Answers both totals of
 * each pair.
 */
const ADD_SCRIPT = `
local totals = {}
for i = 1, #KEYS, 2 do
  totals[i] = redis.call('INCRBY', KEYS[i], ARGV[(i + 3) / 2])
  redis.call('PEXPIRE', KEYS[i], ARGV[1])
  totals[i + 1] = tonumber(redis.call('GET', KEYS[i + 1]) or 0)
end
return totals`;

/**
 * Counts in Redis: one key for each client and window, gone when two windows have passed without
 * it.
 */
export class RedisSharedCounts extends SharedCounts {
  constructor(private readonly redis: RedisConnections) {
    super();
  }

  async add(updates: readonly CountUpdate[], windowMs: number): Promise<readonly WindowTotals[]> {
    const keys = updates.flatMap((update) => [
      this.key(update, update.window),
      this.key(update, update.window - 1),
    ]);
    const counts = updates.map(({ add }) => add);
    const answer = await this.redis
      .commands()
      .eval(ADD_SCRIPT, keys.length, ...keys, 2 * windowMs, ...counts);
    const totals = answer as number[];
    return updates.map((_update, index) => ({
      current: totals[2 * index] ?? 0,
      previous: totals[2 * index + 1] ?? 0,
    }));
  }

  private key({ limiter, client }: CountUpdate, window: number): string {
    return this.redis.key('limit', limiter, window, client);
  }
}
