import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import {
  type JobConsumer,
  type JobOutcome,
  JobQueue,
} from '../../integrations/job-queue/job-queue.js';
import { DELIVERY_QUEUE } from '../deliveries/delivery-jobs.js';
import { DeliveriesProcessor } from './deliveries.processor.js';

const AT_ONCE = 4;
const CLOSE_MS = 5_000;

/** Takes the jobs of deliveries, in every worker. */
@Injectable()
export class DeliveriesConsumer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(DeliveriesConsumer.name);
  private consumer: JobConsumer | undefined;

  constructor(
    private readonly jobs: JobQueue,
    private readonly processor: DeliveriesProcessor,
  ) {}

  onApplicationBootstrap(): void {
    this.consumer = this.jobs.consume(AT_ONCE, ({ executionId }) => this.take(executionId));
    this.consumer.setQueues([DELIVERY_QUEUE]);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.consumer?.close(CLOSE_MS);
  }

  private async take(deliveryId: string): Promise<JobOutcome> {
    try {
      await this.processor.process(deliveryId);
      return 'done';
    } catch (error) {
      if (isDatabaseUnavailable(error)) return 'put_back';
      this.logger.error({ err: error, deliveryId }, 'a delivery could not be processed');
      return 'done';
    }
  }
}
