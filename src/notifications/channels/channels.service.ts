import { Injectable } from '@nestjs/common';
import { conflict, notFound, unprocessable } from '../../common/errors/millrace.error.js';
import { AddressPolicy, AddressRefusedError } from '../../common/net/address-policy.js';
import { checkedAddresses } from '../../common/net/checked-addresses.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { Mailer } from '../../integrations/mail/mailer.js';
import { type ServiceName, ServicesService } from '../../service-registry/services.service.js';
import { newState } from '../alerts/alert-state.js';
import { AlertStore } from '../alerts/alert-store.js';
import { type AskedChannel, targetOf } from './asked-channel.js';
import { type Channel, channelId, type ChannelTarget, MOST_CHANNELS } from './channel.js';
import { ChannelStore } from './channel-store.js';

/** By which people hear of what becomes of a service, as the API shows and changes it. */
@Injectable()
export class ChannelsService {
  private readonly policy: AddressPolicy;

  constructor(
    private readonly services: ServicesService,
    private readonly store: ChannelStore,
    private readonly alerts: AlertStore,
    private readonly mailer: Mailer,
    config: MillraceConfig,
  ) {
    this.policy = new AddressPolicy(config.allowPrivateUrls);
  }

  /** By their names; never where they lead. @throws NotFoundError */
  async list(service: ServiceName): Promise<readonly Channel[]> {
    const { uuid } = await this.services.get(service);
    return this.store.of(uuid);
  }

  /**
   * Makes or replaces one, whole.
   * @throws NotFoundError, ValidationError, ConflictError: there are too many;
   *   UnprocessableError: the address, or no mail server is configured
   */
  async set(service: ServiceName, name: string, asked: AskedChannel, by: string): Promise<Channel> {
    const target = targetOf(asked);
    await this.mustBeReachable(target);
    const { uuid, id, watched } = await this.services.registered(service, by);
    const others = (await this.store.of(uuid)).filter((one) => one.name !== name);
    if (others.length >= MOST_CHANNELS) {
      throw conflict(`${id} has ${others.length} channels; it may have ${MOST_CHANNELS}.`, {
        suggestions: ['Remove one of them first.'],
      });
    }
    const now = new Date();
    const channel: Channel = {
      ...{ _id: channelId(uuid, name), subject: uuid, service: id, name, type: target.type },
      signed: target.type === 'webhook' && target.secret !== null,
      ...{ created_by: by, created_at: now, updated_at: now },
    };
    await this.store.set(channel, target);
    // From this moment on, and not from the next round.
    if (watched) await this.alerts.saveState(newState(watched));
    return (await this.store.of(uuid)).find((one) => one.name === name) ?? channel;
  }

  /** What was not delivered by it is given up. @throws NotFoundError */
  async remove(service: ServiceName, name: string): Promise<void> {
    const { uuid } = await this.services.get(service);
    if (!(await this.store.remove(channelId(uuid, name)))) throw notFound('channel', name);
  }

  /** A name that cannot be resolved now may be resolved later: the deliveries say so. */
  private async mustBeReachable(target: ChannelTarget): Promise<void> {
    if (target.type === 'email') {
      if (this.mailer.isConfigured) return;
      throw unprocessable('No mail server is configured, so no alert can be sent by mail.', {
        details: { path: 'type', code: 'mail_not_configured' },
        suggestions: ['Set SMTP_URL and SMTP_FROM and start Millrace again, or use a webhook.'],
      });
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
