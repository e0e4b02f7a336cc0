import type { RedisConnections } from '../redis/redis-connections.js';
import {
  endHint,
  EventBus,
  liveTopic,
  LIVE_TTL_MS,
  type LiveLogEntry,
  type LiveState,
} from './event-bus.js';
import { RedisSubscriptions } from './redis-subscriptions.js';

/**
 * KEYS: state, channel. ARGV: fence, state, time to live. One step, so that a superseded worker
 * never overwrites.
 */
const PUT_STATE_SCRIPT = `
local fence = redis.call('HGET', KEYS[1], 'fence')
if fence and tonumber(fence) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'fence', ARGV[1], 'state', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PUBLISH', KEYS[2], 'state')
return 1`;

/**
 * The live log is a stream whose entry ids are `<lastSeq>-0`: Redis itself then refuses what is old
 * or repeated, a reader begins at any number, and trimming by number is trimming by id.
 */
export class RedisEventBus extends EventBus {
  private readonly subscriptions: RedisSubscriptions;

  constructor(private readonly redis: RedisConnections) {
    super();
    this.subscriptions = new RedisSubscriptions(redis);
  }

  async appendLog(
    executionId: string,
    entry: LiveLogEntry,
    keepFromSeq: number,
  ): Promise<'appended' | 'refused'> {
    const key = this.logKey(executionId);
    const fields = ['f', entry.fence, 'q', entry.firstSeq, 'p', entry.payload];
    const id = `${entry.lastSeq}-0`;
    const replies = await this.redis
      .commands()
      .pipeline()
      .xadd(key, 'MINID', '=', `${keepFromSeq}-0`, id, ...fields)
      .pexpire(key, LIVE_TTL_MS)
      .publish(this.channel(liveTopic(executionId)), 'log')
      .exec();
    const refused = (replies ?? []).some(([error]) => isOldId(error));
    const failure = (replies ?? []).find(([error]) => error !== null && !isOldId(error))?.[0];
    if (failure) throw failure;
    return refused ? 'refused' : 'appended';
  }

  async readLog(executionId: string, afterSeq: number, limit: number): Promise<LiveLogEntry[]> {
    const entries = await this.redis
      .commands()
      .xrangeBuffer(this.logKey(executionId), `${afterSeq}-1`, '+', 'COUNT', limit);
    return entries.map(([id, fields]) => entryOf(id, fields));
  }

  async readNewestLog(
    executionId: string,
    upToSeq: number,
    limit: number,
  ): Promise<LiveLogEntry[]> {
    const upTo = upToSeq === Infinity ? '+' : `${upToSeq}-0`;
    const entries = await this.redis
      .commands()
      .xrevrangeBuffer(this.logKey(executionId), upTo, '-', 'COUNT', limit);
    return entries.map(([id, fields]) => entryOf(id, fields));
  }

  async putState(
    executionId: string,
    fence: number,
    state: string,
  ): Promise<'stored' | 'superseded'> {
    const stored = await this.redis
      .commands()
      .eval(
        PUT_STATE_SCRIPT,
        2,
        this.stateKey(executionId),
        this.channel(liveTopic(executionId)),
        fence,
        state,
        LIVE_TTL_MS,
      );
    return stored === 1 ? 'stored' : 'superseded';
  }

  async getState(executionId: string): Promise<LiveState | undefined> {
    const [fence, state] = await this.redis
      .commands()
      .hmget(this.stateKey(executionId), 'fence', 'state');
    if (typeof fence !== 'string' || typeof state !== 'string') return undefined;
    return { fence: Number(fence), state };
  }

  async endLive(executionId: string, keepMs: number, text?: string): Promise<void> {
    const replies = await this.redis
      .commands()
      .pipeline()
      .pexpire(this.logKey(executionId), keepMs)
      .pexpire(this.stateKey(executionId), keepMs)
      .publish(this.channel(liveTopic(executionId)), endHint(text))
      .exec();
    const failure = (replies ?? []).find(([error]) => error !== null)?.[0];
    if (failure) throw failure;
  }

  async publish(topic: string, message: string): Promise<void> {
    await this.redis.commands().publish(this.channel(topic), message);
  }

  subscribe(topic: string, listener: (message: string) => void): () => void {
    return this.subscriptions.add(this.channel(topic), listener);
  }

  /** Ends all subscriptions. */
  close(): void {
    this.subscriptions.close();
  }

  private logKey(executionId: string): string {
    return this.redis.key('live', executionId, 'log');
  }

  private stateKey(executionId: string): string {
    return this.redis.key('live', executionId, 'state');
  }

  private channel(topic: string): string {
    return this.redis.key('topic', topic);
  }
}

function isOldId(error: Error | null): boolean {
  return error !== null && error.message.includes('equal or smaller than the target stream top');
}

function entryOf(id: Buffer, fields: readonly Buffer[]): LiveLogEntry {
  const [, fence, , firstSeq, , payload] = fields;
  if (fence === undefined || firstSeq === undefined || payload === undefined) {
    throw new Error('A live log entry lacks a field.');
  }
  return {
    fence: Number(fence.toString()),
    firstSeq: Number(firstSeq.toString()),
    lastSeq: Number.parseInt(id.toString(), 10),
    payload,
  };
}
