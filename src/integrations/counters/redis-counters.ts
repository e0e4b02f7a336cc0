import { Injectable, Logger } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.js';
import { Counters } from './counters.js';

const COUNT_FROM = `
local taken = tonumber(ARGV[1])
if tonumber(redis.call('GET', KEYS[1]) or 0) < taken then redis.call('SET', KEYS[1], taken) end
return redis.call('INCR', KEYS[1])`;

/** Counters in Redis. */
@Injectable()
export class RedisCounters extends Counters {
  private readonly logger = new Logger(RedisCounters.name);

  constructor(private readonly redis: RedisConnections) {
    super();
  }

  async next(name: readonly string[], taken = 0): Promise<number | undefined> {
    const key = this.redis.key('count', ...name);
    try {
      const commands = this.redis.commands();
      if (taken === 0) return await commands.incr(key);
      return Number(await commands.eval(COUNT_FROM, 1, key, taken));
    } catch (error) {
      // Away, full, or a key of another kind: whoever asks has the store.
      this.logger.debug({ err: error }, 'Redis does not count');
      return undefined;
    }
  }
}
