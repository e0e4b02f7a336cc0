import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { RedisConnections, type RedisConnectionOptions } from './redis-connections.js';

/** Global: gives everybody `RedisConnections`. */
@Module({})
export class RedisModule implements OnApplicationShutdown {
  constructor(@Inject(RedisConnections) private readonly redis: RedisConnections) {}

  static forRoot(options: RedisConnectionOptions): DynamicModule {
    return {
      module: RedisModule,
      global: true,
      providers: [{ provide: RedisConnections, useFactory: () => new RedisConnections(options) }],
      exports: [RedisConnections],
    };
  }

  onApplicationShutdown(): void {
    this.redis.close();
  }
}
