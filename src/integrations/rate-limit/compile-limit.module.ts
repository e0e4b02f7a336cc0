import type { DynamicModule } from '@nestjs/common';
import { ThrottlerModule } from '@nestjs/throttler';
import { LimiterStorage } from './limiter.storage.js';
import { RateLimits, WINDOW_MS } from './rate-limits.js';

/** API only, global: what `CompileLimitGuard` counts by. */
export function compileLimitModule(): DynamicModule {
  return ThrottlerModule.forRootAsync({
    inject: [RateLimits],
    useFactory: ({ compilations }: RateLimits) => ({
      throttlers: [{ name: 'compile', ttl: WINDOW_MS, limit: compilations.limit }],
      storage: new LimiterStorage(compilations),
      // The headers of answers tell of the limit that holds for all requests.
      setHeaders: false,
    }),
  });
}
