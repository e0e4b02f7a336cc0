import { Injectable } from '@nestjs/common';
import {
  conflict,
  notFound,
  unprocessable,
  type MillraceError,
} from '../../common/errors/millrace.error.js';
import { AddressPolicy, AddressRefusedError } from '../../common/net/address-policy.js';
import { checkedAddresses } from '../../common/net/checked-addresses.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { Mailer } from '../../integrations/mail/mailer.js';
import { type AskedChannel, targetOf } from './asked-channel.js';
import {
  type Channel,
  channelId,
  type ChannelTarget,
  MOST_CHANNELS,
  type PipelineChannel,
  type ServiceChannel,
} from './channel.js';
import { ChannelStore } from './channel-store.js';

/** Whose channel it is. */
export interface ChannelOwner {
  /** UUID of the service or the pipeline. */
  readonly subject: string;
  /** As people call it. */
  readonly title: string;
  /** What its channels have that others do not. */
  readonly more: Pick<ServiceChannel, 'service'> | Pick<PipelineChannel, 'ends'>;
}

/** Channels of services and of pipelines: what is the same for both. */
@Injectable()
export class KeptChannels {
  private readonly policy: AddressPolicy;

  constructor(
    private readonly store: ChannelStore,
    private readonly mailer: Mailer,
    config: MillraceConfig,
  ) {
    this.policy = new AddressPolicy(config.allowPrivateUrls);
  }

  /** By their names; never where they lead. */
  of(subject: string): Promise<readonly Channel[]> {
    return this.store.of(subject);
  }

  /**
   * Where a channel is to lead.
   * @throws ValidationError; UnprocessableError: the address, or no mail server is configured
   */
  async targetOf(asked: AskedChannel): Promise<ChannelTarget> {
    const target = targetOf(asked);
    await this.mustBeReachable(target);
    return target;
  }

  /** Makes or replaces one, whole. @throws ConflictError: there are too many */
  async set(
    { subject, title, more }: ChannelOwner,
    name: string,
    target: ChannelTarget,
    by: string,
  ): Promise<Channel> {
    const others = (await this.store.of(subject)).filter((one) => one.name !== name);
    if (others.length >= MOST_CHANNELS) {
      throw tooManyChannels(title, others.length);
    }
    const now = new Date();
    const channel: Channel = {
      ...{ _id: channelId(subject, name), subject, ...more, name, type: target.type },
      signed: target.type === 'webhook' && target.secret !== null,
      ...{ created_by: by, created_at: now, updated_at: now },
    };
    await this.store.set(channel, target);
    return (await this.store.of(subject)).find((one) => one.name === name) ?? channel;
  }

  /** What was not delivered by it is given up. @throws NotFoundError */
  async remove(subject: string, name: string): Promise<void> {
    if (!(await this.store.remove(channelId(subject, name)))) throw notFound('channel', name);
  }

  /** A name that cannot be resolved now may be resolved later: the deliveries say so. */
  private async mustBeReachable(target: ChannelTarget): Promise<void> {
    if (target.type === 'email') {
      if (this.mailer.isConfigured) return;
      throw noMailServer();
    }
    try {
      await checkedAddresses(this.policy, new URL(target.url).hostname);
    } catch (error) {
      if (!(error instanceof AddressRefusedError)) return;
      const { kind } = error.refusal;
      throw unprocessable(`The server does not connect to the address of the URL: it is ${kind}.`, {
        details: { path: 'url', code: 'address_refused' },
        suggestions: ['Whoever runs the server allows it by ALLOW_PRIVATE_URLS.'],
      });
    }
  }
}

/** 409 */
export function tooManyChannels(title: string, there: number = MOST_CHANNELS): MillraceError {
  return conflict(`${title} has ${there} channels; it may have ${MOST_CHANNELS}.`, {
    suggestions: ['Remove one of them first.'],
  });
}

/** 422 */
export function noMailServer(): MillraceError {
  return unprocessable('No mail server is configured, so no alert can be sent by mail.', {
    details: { path: 'type', code: 'mail_not_configured' },
    suggestions: ['Set SMTP_URL and SMTP_FROM and start Millrace again, or use a webhook.'],
  });
}
