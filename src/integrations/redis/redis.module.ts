import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { errorCode, Metrics } from '../../common/metrics/metrics.js';
import { RedisConnections, type RedisConnectionOptions } from './redis-connections.js';

/** Global: gives everybody `RedisConnections`. */
@Module({})
export class RedisModule implements OnApplicationShutdown {
  constructor(@Inject(RedisConnections) private readonly redis: RedisConnections) {}

  static forRoot(options: RedisConnectionOptions): DynamicModule {
    return {
      module: RedisModule,
      global: true,
      providers: [
        {
          provide: RedisConnections,
          inject: [Metrics],
          useFactory: (metrics: Metrics) =>
            new RedisConnections({
              ...options,
              onError: (error) => metrics.dependencyFailed('redis', errorCode(error)),
            }),
        },
      ],
      exports: [RedisConnections],
    };
  }

  onApplicationShutdown(): void {
    this.redis.close();
  }
}
