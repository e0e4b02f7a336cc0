import { Injectable } from '@nestjs/common';
import { type LogLevel, LOG_LEVELS } from '../common/logging/process-log-level.js';
import { EventBus } from '../integrations/event-bus/event-bus.js';
import { RedisConnections } from '../integrations/redis/redis-connections.js';

/** A level that was set for a time, for all processes. */
export interface LevelOverride {
  readonly level: LogLevel;
  readonly by: string;
  readonly reason: string | null;
  readonly since: Date;
  readonly until: Date;
}

/** Topic that says: read the level again. */
const TOPIC = 'log-level';

/** Where the level stands that holds for all processes. */
@Injectable()
export class LogLevelStore {
  constructor(
    private readonly redis: RedisConnections,
    private readonly bus: EventBus,
  ) {}

  /** Rejects when Redis is away. */
  async set(override: LevelOverride): Promise<void> {
    const ms = Math.max(1, override.until.getTime() - override.since.getTime());
    await this.redis.commands().set(this.key, JSON.stringify(override), 'PX', ms);
    await this.bus.publish(TOPIC, 'set');
  }

  /** Rejects when Redis is away. */
  async remove(): Promise<void> {
    await this.redis.commands().del(this.key);
    await this.bus.publish(TOPIC, 'removed');
  }

  /**
   * The level and how many milliseconds it still holds, by the clock of Redis. Rejects when Redis
   * is away.
   */
  async read(): Promise<{ override: LevelOverride; leftMs: number } | undefined> {
    const commands = this.redis.commands();
    const [json, leftMs] = await Promise.all([commands.get(this.key), commands.pttl(this.key)]);
    if (json === null || leftMs <= 0) return undefined;
    const stored = JSON.parse(json) as Omit<LevelOverride, 'since' | 'until'> & {
      readonly since: string;
      readonly until: string;
    };
    if (!LOG_LEVELS.includes(stored.level)) return undefined;
    const override = { ...stored, since: new Date(stored.since), until: new Date(stored.until) };
    return { override, leftMs };
  }

  /** `listener` is called for every change, and whenever one may have been missed. */
  watch(listener: () => void): () => void {
    return this.bus.subscribe(TOPIC, listener);
  }

  private get key(): string {
    return this.redis.key('log-level');
  }
}
