import { Injectable, Logger } from '@nestjs/common';
import type { Delivery } from '../alerts/alert.js';
import { type Channel, textOfTarget } from '../channels/channel.js';
import { ChannelStore } from '../channels/channel-store.js';

/** A delivery that is due now. */
export function deliveryTo({ _id, name, type }: Channel, now: number): Delivery {
  return {
    ...{ channel: _id, name, type, state: 'pending', attempts: 0 },
    ...{ next_at: new Date(now), tried_at: null, reason: null },
  };
}

/** Who hears of an alert: each target once, however many services have a channel to it. */
@Injectable()
export class AlertRecipients {
  private readonly logger = new Logger(AlertRecipients.name);

  constructor(private readonly channels: ChannelStore) {}

  /** Those of the channels that lead where no channel of `before`, or an earlier one, does. */
  async others(
    channels: readonly Channel[],
    before: readonly string[],
  ): Promise<readonly Channel[]> {
    const fresh = channels.filter(({ _id }) => !before.includes(_id));
    if (fresh.length === 0) return [];
    const seen = new Set<string>();
    for (const id of before) seen.add(await this.targetOf(id));
    const found: Channel[] = [];
    for (const channel of fresh) {
      const target = await this.targetOf(channel._id);
      if (seen.has(target)) continue;
      seen.add(target);
      found.push(channel);
    }
    return found;
  }

  /** One that cannot be opened is like no other: why, its deliveries say. */
  private async targetOf(id: string): Promise<string> {
    try {
      const target = await this.channels.target(id);
      return target === undefined ? id : textOfTarget(target);
    } catch (error) {
      this.logger.debug({ err: error, channel: id }, 'where a channel leads cannot be read');
      return id;
    }
  }
}
