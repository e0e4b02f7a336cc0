import { Injectable, Logger } from '@nestjs/common';
import { JobQueue } from '../../integrations/job-queue/job-queue.js';

/** No label begins with a dot, so no queue of executions has this name. */
export const DELIVERY_QUEUE = '.deliveries';

/** Offers deliveries to workers. The delivery in the database is the truth, a job is a hint. */
@Injectable()
export class DeliveryJobs {
  private readonly logger = new Logger(DeliveryJobs.name);

  constructor(private readonly jobs: JobQueue) {}

  /** Never rejects: what could not be offered is offered later. */
  async offer(deliveryId: string): Promise<void> {
    try {
      await this.jobs.renew(DELIVERY_QUEUE, { executionId: deliveryId, enqueueNumber: 1 });
    } catch (error) {
      this.logger.debug({ err: error, deliveryId }, 'delivery not offered yet');
    }
  }
}
