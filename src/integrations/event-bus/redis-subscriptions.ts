import type { Redis } from 'ioredis';
import type { RedisConnections } from '../redis/redis-connections.js';

type Listener = (message: string) => void;

/**
 * All subscriptions of a process on one connection, opened with the first one. After every
 * (re)connect all channels are subscribed again and every listener gets `resync`.
 */
export class RedisSubscriptions {
  private readonly channels = new Map<string, Set<Listener>>();
  private connection: Redis | undefined;

  constructor(private readonly redis: RedisConnections) {}

  add(channel: string, listener: Listener): () => void {
    const heard: Listener = (message) => listener(message);
    const listeners = this.channels.get(channel);
    if (listeners === undefined) this.channels.set(channel, new Set([heard]));
    else listeners.add(heard);
    this.open(channel, heard);
    return () => this.remove(channel, heard);
  }

  close(): void {
    this.channels.clear();
    if (this.connection !== undefined) this.redis.release(this.connection);
    this.connection = undefined;
  }

  private open(channel: string, listener: Listener): void {
    if (this.connection === undefined) {
      const connection = this.redis.dedicated({
        autoResubscribe: false,
        enableOfflineQueue: false,
      });
      connection.on('message', (from: string, message: string) => this.tell(from, message));
      connection.on('ready', () => this.subscribe([...this.channels.keys()]));
      this.connection = connection;
    } else if (this.connection.status === 'ready') {
      this.subscribe([channel], listener);
    }
  }

  /** Subscribing again to a channel is harmless. What fails is repeated at the next `ready`. */
  private subscribe(channels: string[], only?: Listener): void {
    if (channels.length === 0 || this.connection === undefined) return;
    this.connection.subscribe(...channels).then(
      () => {
        for (const channel of channels) this.tell(channel, 'resync', only);
      },
      // The connection broke: `ready` comes again, and RedisConnections has logged it.
      () => undefined,
    );
  }

  private remove(channel: string, listener: Listener): void {
    const listeners = this.channels.get(channel);
    if (listeners === undefined || !listeners.delete(listener) || listeners.size > 0) return;
    this.channels.delete(channel);
    if (this.connection?.status !== 'ready') return;
    this.connection.unsubscribe(channel).catch(() => undefined);
  }

  private tell(channel: string, message: string, only?: Listener): void {
    for (const listener of this.channels.get(channel) ?? []) {
      if (only === undefined || only === listener) listener(message);
    }
  }
}
