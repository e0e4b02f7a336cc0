import { ThrottlerStorageRedisService } from '@nest-lab/throttler-storage-redis';
import type { DynamicModule } from '@nestjs/common';
import { ThrottlerModule } from '@nestjs/throttler';
import { MillraceConfig } from '../../config/millrace-config.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { OpenWhenAwayStorage } from './open-when-away.storage.js';

const windowMs = 60_000;

/** API only, global: what `CompileLimitGuard` counts by. */
export function compileLimitModule(): DynamicModule {
  return ThrottlerModule.forRootAsync({
    inject: [MillraceConfig, RedisConnections],
    useFactory: (config: MillraceConfig, redis: RedisConnections) => ({
      throttlers: [{ name: 'compile', ttl: windowMs, limit: config.compileLimit }],
      storage: new OpenWhenAwayStorage(new ThrottlerStorageRedisService(redis.commands())),
      skipIf: () => config.compileLimit === 0,
      // The headers of answers tell of the limit that holds for all requests.
      setHeaders: false,
    }),
  });
}
