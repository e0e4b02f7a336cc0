import { Injectable, Logger } from '@nestjs/common';
import { failPoint } from '../../common/fail-point.js';
import { type Alert, type AlertReason, type Delivery, withDeliveries } from '../alerts/alert.js';
import { AlertStore } from '../alerts/alert-store.js';
import { changeAlert } from '../alerts/change-alert.js';
import { ChannelStore } from '../channels/channel-store.js';
import { AlertChannels, reason } from './alert-channels.js';

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 900_000;
/** An alert is given up when it could not be delivered for so long, ms. */
export const GIVE_UP_MS = 86_400_000;
const DUE_AT_ONCE = 200;
const OPEN_AT_ONCE = 500;
const SUBJECTS_AT_ONCE = 8;

/** ms until the next try. @param attempts that were made */
export function pauseAfter(attempts: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempts - 1, 20));
}

/**
 * Tells what is due. By one channel the alerts of a service go in order: a later one waits until
 * the one before is delivered or given up. Each try is made before it is stored, so an alert whose
 * sender was killed in between comes once more, under the same id.
 */
@Injectable()
export class AlertSender {
  private readonly logger = new Logger(AlertSender.name);

  constructor(
    private readonly alerts: AlertStore,
    private readonly channels: ChannelStore,
    private readonly ways: AlertChannels,
  ) {}

  /** @param isOver asked before each try: another process may be at it @param clock of the time */
  async send(isOver: () => boolean, clock: () => number = Date.now): Promise<void> {
    const due = await this.alerts.due(new Date(clock()), DUE_AT_ONCE);
    const left = [...new Set(due.map(({ subject }) => subject))].values();
    const work = async (): Promise<void> => {
      for (const subject of left) await this.sendOf(subject, isOver, clock);
    };
    const ended = await Promise.allSettled(Array.from({ length: SUBJECTS_AT_ONCE }, work));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }

  private async sendOf(subject: string, isOver: () => boolean, clock: () => number): Promise<void> {
    /** When the alert before goes by a channel, that has not gone yet. */
    const blocked = new Map<string, Date>();
    for (const alert of await this.alerts.open(subject, OPEN_AT_ONCE)) {
      for (const delivery of alert.deliveries) {
        if (delivery.state !== 'pending') continue;
        if (isOver()) return;
        const { channel } = delivery;
        const before = blocked.get(channel);
        const next = before
          ? { ...delivery, next_at: before }
          : await this.attempt(alert, delivery, clock);
        if (next.state === 'pending' && next.next_at) blocked.set(channel, next.next_at);
        if (next !== delivery) await this.store(alert._id, next);
      }
    }
  }

  private async attempt(alert: Alert, delivery: Delivery, clock: () => number): Promise<Delivery> {
    if (delivery.next_at && delivery.next_at.getTime() > clock()) return delivery;
    const failed = await this.tell(alert, delivery.channel);
    const now = clock();
    const tried = { ...delivery, attempts: delivery.attempts + 1, tried_at: new Date(now) };
    if (failed === undefined) {
      failPoint('alert_sent');
      return { ...tried, state: 'delivered', next_at: null, reason: null };
    }
    const isLast = now - alert.created_at.getTime() >= GIVE_UP_MS;
    if (isLast || failed.code === 'channel_removed') {
      this.logger.warn(
        { alert: alert._id, channel: delivery.channel, reason: failed.message },
        'an alert was given up',
      );
      return { ...tried, state: 'failed', next_at: null, reason: failed };
    }
    const next = new Date(now + pauseAfter(tried.attempts));
    return { ...tried, next_at: next, reason: failed };
  }

  private async tell(alert: Alert, channel: string): Promise<AlertReason | undefined> {
    let target: Awaited<ReturnType<ChannelStore['target']>>;
    try {
      target = await this.channels.target(channel);
    } catch (error) {
      this.logger.debug({ err: error, channel }, 'where a channel leads cannot be read');
      return reason('channel_unreadable');
    }
    if (target === undefined) return reason('channel_removed');
    return this.ways.send(alert, channel, target);
  }

  private async store(id: string, next: Delivery): Promise<void> {
    await changeAlert(this.alerts, id, (seen) =>
      withDeliveries(
        seen,
        seen.deliveries.map((one) => (one.channel === next.channel ? next : one)),
      ),
    );
  }
}
