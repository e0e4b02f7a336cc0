import { Module, type DynamicModule } from '@nestjs/common';
import { MillraceConfig } from '../../config/millrace-config.js';
import { RedisConnections } from '../redis/redis-connections.js';
import { RateLimits } from './rate-limits.js';
import { RedisSharedCounts } from './redis-shared-counts.js';
import type { SharedCounts } from './shared-counts.js';

/** API only, global: gives `RateLimits`. */
@Module({})
export class RateLimitModule {
  /** Counts are shared over Redis. */
  static forRoot(): DynamicModule {
    return moduleOf({
      provide: RateLimits,
      inject: [MillraceConfig, RedisConnections],
      useFactory: (config: MillraceConfig, redis: RedisConnections) =>
        limitsOf(config, new RedisSharedCounts(redis)),
    });
  }

  /** Counts are shared over what is given. */
  static over(counts: SharedCounts): DynamicModule {
    return moduleOf({
      provide: RateLimits,
      inject: [MillraceConfig],
      useFactory: (config: MillraceConfig) => limitsOf(config, counts),
    });
  }
}

function moduleOf(provider: NonNullable<DynamicModule['providers']>[number]): DynamicModule {
  return { module: RateLimitModule, global: true, providers: [provider], exports: [RateLimits] };
}

function limitsOf(config: MillraceConfig, counts: SharedCounts): RateLimits {
  return new RateLimits(
    {
      requests: config.rateLimit,
      authFailures: config.authFailureLimit,
      compilations: config.compileLimit,
      logIns: config.loginLimit,
      users: config.userLimit,
      webhooks: config.webhookLimit,
    },
    counts,
  );
}
