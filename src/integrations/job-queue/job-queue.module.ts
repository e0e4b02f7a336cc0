import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { RedisConnections } from '../redis/redis-connections.js';
import { Tracing } from '../tracing/tracing.js';
import { BullJobQueue } from './bull-job-queue.js';
import { JobQueue } from './job-queue.js';

@Module({
  providers: [
    {
      provide: JobQueue,
      inject: [RedisConnections, Tracing],
      useFactory: (redis: RedisConnections, tracing: Tracing) =>
        new BullJobQueue(redis, tracing.queueTelemetry),
    },
  ],
  exports: [JobQueue],
})
export class JobQueueModule implements OnApplicationShutdown {
  constructor(@Inject(JobQueue) private readonly queue: JobQueue) {}

  async onApplicationShutdown(): Promise<void> {
    await this.queue.close();
  }
}
