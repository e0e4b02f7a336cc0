import type { Channel, ChannelTarget } from './channel.js';
import { ChannelStore } from './channel-store.js';

/** Stands in for the database. */
export class MemoryChannelStore extends ChannelStore {
  readonly channels = new Map<string, Channel>();
  readonly targets = new Map<string, ChannelTarget>();

  set(channel: Channel, target: ChannelTarget): Promise<void> {
    const { created_by, created_at } = this.channels.get(channel._id) ?? channel;
    this.channels.set(channel._id, { ...channel, created_by, created_at });
    this.targets.set(channel._id, target);
    return Promise.resolve();
  }

  remove(id: string): Promise<boolean> {
    this.targets.delete(id);
    return Promise.resolve(this.channels.delete(id));
  }

  all(): Promise<readonly Channel[]> {
    const rows = [...this.channels.values()];
    return Promise.resolve(rows.sort((a, b) => (a._id < b._id ? -1 : 1)));
  }

  async of(subject: string): Promise<readonly Channel[]> {
    return (await this.all()).filter((one) => one.subject === subject);
  }

  async hasAny(subject: string): Promise<boolean> {
    return (await this.of(subject)).length > 0;
  }

  target(id: string): Promise<ChannelTarget | undefined> {
    return Promise.resolve(this.targets.get(id));
  }
}
