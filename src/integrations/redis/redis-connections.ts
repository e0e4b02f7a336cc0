import { Logger } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { mayEvict, parseRedisMemory, type RedisMemory, SAFE_POLICY } from './redis-memory.js';

export interface RedisConnectionOptions {
  /** `redis://`, `rediss://` or the absolute path of a unix socket. */
  readonly url: string;
  /** Every key of this installation begins with it. */
  readonly keyPrefix: string;
  /** Called for every failure of a connection, also while Redis is known to be away. */
  readonly onError?: (error: Error) => void;
}

/** How long a command of a request waits: Redis is a hint and a cache, nobody waits long for it. */
const COMMAND_TIMEOUT_MS = 2_000;
/**
 * A connection that answers nothing for so long is given up, and with it what waits to be sent over
 * it.
 */
const SILENCE_MS = 3_000;

/** Makes Redis connections that survive Redis being away, and closes all of them at the end. */
export class RedisConnections {
  private readonly logger = new Logger('Redis');
  private readonly open = new Set<Redis>();
  private readonly away = new WeakSet<Redis>();
  private shared: Redis | undefined;

  constructor(private readonly options: RedisConnectionOptions) {}

  get keyPrefix(): string {
    return this.options.keyPrefix;
  }

  /** `millrace:parts:joined` */
  key(...parts: readonly (string | number)[]): string {
    return [this.options.keyPrefix, ...parts].join(':');
  }

  /**
   * The process's connection for short commands. Fails fast: at once while Redis is away, after 2 s
   * when it hangs.
   */
  commands(): Redis {
    if (this.shared) return this.shared;
    this.shared = this.connect({
      commandTimeout: COMMAND_TIMEOUT_MS,
      socketTimeout: SILENCE_MS,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
    });
    this.shared.on('ready', () => void this.warnOfEviction());
    return this.shared;
  }

  /** True from the first failure of the connection for short commands until it is ready again. */
  isAway(): boolean {
    return this.away.has(this.commands());
  }

  /**
   * A connection of its own, for subscriptions and blocking reads; commands wait until Redis is
   * back.
   */
  dedicated(options: RedisOptions = {}): Redis {
    return this.connect({ maxRetriesPerRequest: null, ...options });
  }

  /** Closes one connection that `dedicated` gave. */
  release(connection: Redis): void {
    this.open.delete(connection);
    connection.disconnect();
  }

  /** Round trip; rejects when Redis is away or hangs for 2 s. */
  async ping(): Promise<void> {
    await this.commands().ping();
  }

  /** Rejects when Redis is away or hangs for 2 s. */
  async memory(): Promise<RedisMemory> {
    return parseRedisMemory(await this.commands().info('memory'));
  }

  close(): void {
    for (const connection of this.open) connection.disconnect();
    this.open.clear();
  }

  /**
   * A Redis that evicts is a warning and no refusal: it may lose anything without harm to what was
   * accepted, but each loss costs the seconds until the reconciler sees it.
   */
  private async warnOfEviction(): Promise<void> {
    try {
      const memory = await this.memory();
      if (!mayEvict(memory)) return;
      this.logger.warn(
        { policy: memory.policy },
        `Redis may drop keys of the queue: set its maxmemory-policy to ${SAFE_POLICY}`,
      );
    } catch (error) {
      this.logger.debug({ err: error }, 'the eviction policy of Redis is not known');
    }
  }

  private connect(options: RedisOptions): Redis {
    const connection = new Redis(this.options.url, {
      connectTimeout: 3_000,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
      ...options,
    });
    connection.on('error', (error: Error) => {
      this.options.onError?.(error);
      if (!this.away.has(connection)) this.logger.warn({ err: error }, 'Redis is away');
      this.away.add(connection);
    });
    connection.on('ready', () => {
      if (this.away.delete(connection)) this.logger.log('Redis is back');
    });
    this.open.add(connection);
    return connection;
  }
}
