import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.js';
import { EventBus } from './event-bus.js';
import { RedisEventBus } from './redis-event-bus.js';

/** Global: gives everybody `EventBus` over Redis. Needs `RedisModule`. */
@Global()
@Module({
  providers: [
    {
      provide: RedisEventBus,
      inject: [RedisConnections],
      useFactory: (redis: RedisConnections) => new RedisEventBus(redis),
    },
    { provide: EventBus, useExisting: RedisEventBus },
  ],
  exports: [EventBus],
})
export class EventBusModule implements OnApplicationShutdown {
  constructor(@Inject(RedisEventBus) private readonly bus: RedisEventBus) {}

  onApplicationShutdown(): void {
    this.bus.close();
  }
}
