import { Injectable } from '@nestjs/common';
import { type ServiceName, ServicesService } from '../../service-registry/services.service.js';
import { newState } from '../alerts/alert-state.js';
import { AlertStore } from '../alerts/alert-store.js';
import type { AskedChannel } from './asked-channel.js';
import type { Channel } from './channel.js';
import { KeptChannels } from './kept-channels.js';

/** By which people hear of what becomes of a service, as the API shows and changes it. */
@Injectable()
export class ChannelsService {
  constructor(
    private readonly services: ServicesService,
    private readonly channels: KeptChannels,
    private readonly alerts: AlertStore,
  ) {}

  /** By their names; never where they lead. @throws NotFoundError */
  async list(service: ServiceName): Promise<readonly Channel[]> {
    const { uuid } = await this.services.get(service);
    return this.channels.of(uuid);
  }

  /**
   * Makes or replaces one, whole.
   * @throws NotFoundError, ValidationError, ConflictError: there are too many;
   *   UnprocessableError: the address, or no mail server is configured
   */
  async set(service: ServiceName, name: string, asked: AskedChannel, by: string): Promise<Channel> {
    const target = await this.channels.targetOf(asked);
    const { uuid, id, watched } = await this.services.registered(service, by);
    const whose = { subject: uuid, title: id, more: { service: id } };
    const channel = await this.channels.set(whose, name, target, by);
    // From this moment on, and not from the next round.
    if (watched) await this.alerts.saveState(newState(watched));
    return channel;
  }

  /** What was not delivered by it is given up. @throws NotFoundError */
  async remove(service: ServiceName, name: string): Promise<void> {
    const { uuid } = await this.services.get(service);
    await this.channels.remove(uuid, name);
  }
}
