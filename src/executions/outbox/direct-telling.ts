import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { OutboxEvent } from '../record/outbox-event.js';
import { OutboxConsumers } from './outbox-consumers.js';
import { OutboxRelay } from './outbox-relay.js';
import { OutboxStore } from './outbox-store.js';
import { tell } from './tell.js';
import { ToldEvents } from './told-events.js';

/**
 * The short way of news: the process that made them tells direct consumers itself, so nobody waits
 * for the relay. What all have taken leaves the outbox a little later, together with others. What
 * fails here is left to the relay.
 */
@Injectable()
export class DirectTelling implements OnApplicationShutdown {
  private readonly logger = new Logger(DirectTelling.name);
  private readonly told: ToldEvents;

  constructor(
    private readonly store: OutboxStore,
    private readonly consumers: OutboxConsumers,
    private readonly relay: OutboxRelay,
  ) {
    this.told = new ToldEvents(
      (events) => store.removeAll(events),
      (error) => this.problem(error, 'news stay in the outbox; the relay tells them once more'),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await this.told.flush();
  }

  /**
   * News that stand in the outbox of the execution now. Resolves when direct consumers have them.
   * Never rejects.
   */
  async tell(executionId: string, event: OutboxEvent): Promise<void> {
    const consumers = this.consumers.of(event.type);
    const direct = consumers.filter(({ isDirect }) => isDirect);
    const { takenBy, refused } = await tell(executionId, event, direct);
    for (const { consumer, error } of refused) {
      this.problem(error, `${consumer} did not take the news; the relay tells them`);
    }
    if (refused.length > 0) return;
    const told = { executionId, eventId: event.event_id };
    if (direct.length === consumers.length) this.told.add(told);
    else void this.handOver(told, takenBy);
  }

  /** To the relay, for those who are not told here. */
  private async handOver(
    told: { readonly executionId: string; readonly eventId: string },
    takenBy: readonly string[],
  ): Promise<void> {
    try {
      if (takenBy.length > 0) await this.store.noteTaken(told, takenBy);
      await this.relay.enqueue(told.executionId);
    } catch (error) {
      this.problem(error, 'news not handed over; the relay finds them');
    }
  }

  /** Redis away is told once, where the connection is. */
  private problem(error: unknown, what: string): void {
    this.logger.debug({ err: error }, what);
  }
}
