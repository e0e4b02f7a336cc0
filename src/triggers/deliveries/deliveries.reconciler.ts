import { Injectable } from '@nestjs/common';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { SeenSince } from '../../common/async/seen-since.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { DeliveriesRepository } from './deliveries.repository.js';
import { DeliveryJobs } from './delivery-jobs.js';

const INTERVAL_MS = 5_000;
/** A job that was just made is on its way. */
const GRACE_MS = 10_000;
const MOST_AT_ONCE = 500;
const KEPT_MS = 14 * 24 * 3600 * 1000;
const SWEEP_EVERY_ROUNDS = 720;
const BODIES_EVERY_ROUNDS = 60;

/**
 * Offers deliveries again that are not at their end, in every API process: their job was lost, or
 * what they need was away. Removes those that are older than 14 days, and the oldest bodies where
 * all of them take too much room.
 */
@Injectable()
export class DeliveriesReconciler extends BackgroundRounds {
  private readonly open = new SeenSince<string>((id) => id);
  private count = 0;

  constructor(
    private readonly deliveries: DeliveriesRepository,
    private readonly jobs: DeliveryJobs,
    private readonly config: MillraceConfig,
  ) {
    super({ everyMs: INTERVAL_MS });
  }

  protected async work(now: number): Promise<void> {
    const open = await this.deliveries.open(MOST_AT_ONCE);
    const ages = this.open.ages(open);
    const late = open.filter((_, index) => (ages[index] ?? 0) >= GRACE_MS);
    for (const id of late) await this.jobs.offer(id);
    const count = this.count++;
    if (count % BODIES_EVERY_ROUNDS === 0) await this.dropBodies();
    if (count % SWEEP_EVERY_ROUNDS === 0) {
      await this.deliveries.removeBefore(new Date(now - KEPT_MS));
    }
  }

  private async dropBodies(): Promise<void> {
    const dropped = await this.deliveries.dropBodies(this.config.deliveryBodiesSize);
    if (dropped === 0) return;
    this.logger.warn({ dropped }, 'bodies of old deliveries are not kept: DELIVERY_BODIES_SIZE');
  }
}
