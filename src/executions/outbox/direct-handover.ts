import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { settledWithin } from '../../common/async/within.js';
import type { OutboxEvent } from '../record/outbox-event.js';
import { OutboxConsumers } from './outbox-consumers.js';
import { OutboxRelay } from './outbox-relay.js';
import { OutboxStore } from './outbox-store.js';
import { type Offered, offerEvent, type OfferedEvent } from './offer-event.js';
import { TakenEvents } from './taken-events.js';

/** At the end consumers that nobody waits for have this time, ms; then the relay has the news. */
const CLOSE_MS = 3_000;

/**
 * The short way of news: the process that made them offers them to direct consumers itself, so
 * nobody waits for the relay. What all have taken leaves the outbox a little later, together with
 * others. What fails here is left to the relay.
 */
@Injectable()
export class DirectHandover implements OnApplicationShutdown {
  private readonly logger = new Logger(DirectHandover.name);
  private readonly taken: TakenEvents;
  private readonly unhurried = new Set<Promise<void>>();

  constructor(
    private readonly store: OutboxStore,
    private readonly consumers: OutboxConsumers,
    private readonly relay: OutboxRelay,
  ) {
    this.taken = new TakenEvents(
      (events) => store.removeAll(events),
      (error) => this.problem(error, 'news stay in the outbox; the relay offers them once more'),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await settledWithin(CLOSE_MS, [...this.unhurried]);
    await this.taken.flush();
  }

  /**
   * News that stand in the outbox of the execution now. Resolves when direct consumers have them,
   * but for those that nobody waits for. Never rejects.
   */
  async handOver(executionId: string, event: OfferedEvent): Promise<void> {
    const consumers = this.consumers.of(event.type);
    const direct = consumers.filter(({ isDirect }) => isDirect);
    const unhurried = direct.filter(({ isUnhurried }) => isUnhurried);
    const hurried = direct.filter(({ isUnhurried }) => !isUnhurried);
    const later = offerEvent(executionId, event, unhurried);
    const first = await offerEvent(executionId, event, hurried);
    const concluding = later
      .then((rest) => this.conclude(executionId, event, [first, rest], consumers.length))
      .finally(() => this.unhurried.delete(concluding));
    this.unhurried.add(concluding);
    if (unhurried.length === 0) await concluding;
  }

  private conclude(
    executionId: string,
    event: OutboxEvent,
    offers: readonly Offered[],
    consumers: number,
  ): void {
    const takenBy = offers.flatMap((offer) => offer.takenBy);
    const refused = offers.flatMap((offer) => offer.refused);
    for (const { consumer, error } of refused) {
      this.problem(error, `${consumer} did not take the news; the relay offers them`);
    }
    if (refused.length > 0) return;
    const id = { executionId, eventId: event.event_id };
    if (takenBy.length === consumers) this.taken.add(id);
    else void this.leaveToRelay(id, takenBy);
  }

  /** To the relay, for those who do not get them here. */
  private async leaveToRelay(
    id: { readonly executionId: string; readonly eventId: string },
    takenBy: readonly string[],
  ): Promise<void> {
    try {
      if (takenBy.length > 0) await this.store.noteTaken(id, takenBy);
      await this.relay.enqueue(id.executionId);
    } catch (error) {
      this.problem(error, 'news not handed over; the relay finds them');
    }
  }

  /** Redis away is logged once, where the connection is. */
  private problem(error: unknown, what: string): void {
    this.logger.debug({ err: error }, what);
  }
}
