import { Injectable } from '@nestjs/common';
import { hostname } from 'node:os';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import { RedisConnections } from '../integrations/redis/redis-connections.js';

/**
 * The counters of a worker that is gone are shown so long, so that their last values are scraped.
 */
const KEEP_MS = 5 * 60_000;
/**
 * More workers than a host can have (WORKERS is at most 256), the ended ones of the last minutes
 * included.
 */
const MOST_SLOTS = 1_024;

/**
 * KEYS: snapshot, list. ARGV: who, JSON, time to live, name. Refuses a slot that another process
 * holds.
 */
const PUT_SCRIPT = `
local holder = redis.call('HGET', KEYS[1], 'id')
if holder and holder ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'metrics', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('SADD', KEYS[2], ARGV[4])
return 1`;

export type MetricSnapshot = MetricObjectWithValues<MetricValue<string>>;

/** What a worker sent last of its counters. */
export interface WorkerMetrics {
  /** `host/slot`: the value of the label `worker`. */
  readonly worker: string;
  /** Of the registry that it comes from. */
  readonly registryId: string;
  readonly ageMs: number;
  readonly metrics: readonly MetricSnapshot[];
}

/**
 * Where workers leave their metrics for the API, in Redis, beside their beats. A worker goes by its
 * host and a slot, the lowest number that no other process held in the last five minutes: restarts
 * use the same few names again.
 */
@Injectable()
export class WorkerMetricsStore {
  private slot: number | undefined;

  constructor(private readonly redis: RedisConnections) {}

  /** Rejects when Redis is away. */
  async publish(registryId: string, metrics: readonly MetricSnapshot[]): Promise<void> {
    const json = JSON.stringify(metrics);
    for (let slot = this.slot ?? 0; slot < MOST_SLOTS; slot++) {
      if (!(await this.put(slot, registryId, json))) continue;
      this.slot = slot;
      return;
    }
    throw new Error(`this host has no free slot among ${MOST_SLOTS}`);
  }

  /** Rejects when Redis is away. */
  async read(): Promise<WorkerMetrics[]> {
    const names = (await this.redis.commands().smembers(this.listKey)).sort();
    const found = await Promise.all(names.map((name) => this.readOne(name)));
    const gone = names.filter((_name, index) => found[index] === undefined);
    if (gone.length > 0) await this.redis.commands().srem(this.listKey, ...gone);
    return found.filter((each) => each !== undefined);
  }

  private async put(slot: number, registryId: string, json: string): Promise<boolean> {
    const name = `${hostname()}/${slot}`;
    const taken = await this.redis
      .commands()
      .eval(PUT_SCRIPT, 2, this.key(name), this.listKey, registryId, json, KEEP_MS, name);
    return taken === 1;
  }

  private async readOne(worker: string): Promise<WorkerMetrics | undefined> {
    const commands = this.redis.commands();
    const [[registryId, json], left] = await Promise.all([
      commands.hmget(this.key(worker), 'id', 'metrics'),
      commands.pttl(this.key(worker)),
    ]);
    if (typeof registryId !== 'string' || typeof json !== 'string') return undefined;
    const metrics = JSON.parse(json) as MetricSnapshot[];
    return { worker, registryId, ageMs: Math.max(0, KEEP_MS - left), metrics };
  }

  private key(worker: string): string {
    return this.redis.key('worker-metrics', worker);
  }

  private get listKey(): string {
    return this.redis.key('worker-metrics');
  }
}
