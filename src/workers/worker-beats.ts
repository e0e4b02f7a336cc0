import { Injectable } from '@nestjs/common';
import { RedisConnections } from '../integrations/redis/redis-connections.js';

/** A beat outlives its lease by far, so that an observer sees a stale one rather than none. */
const BEAT_TTL_SECONDS = 120;

/** The second place where a worker renews its lease. */
@Injectable()
export class WorkerBeats {
  constructor(private readonly redis: RedisConnections) {}

  /** Rejects when Redis is away: the lease then rests on the database alone. */
  async beat(workerId: string, beat: number): Promise<void> {
    await this.redis.commands().set(this.key(workerId), beat, 'EX', BEAT_TTL_SECONDS);
  }

  /** The last beat of each worker, `undefined` where there is none. Rejects when Redis is away. */
  async read(workerIds: readonly string[]): Promise<(string | undefined)[]> {
    if (workerIds.length === 0) {
      await this.redis.ping();
      return [];
    }
    const values = await this.redis.commands().mget(workerIds.map((id) => this.key(id)));
    return values.map((value) => value ?? undefined);
  }

  async remove(workerId: string): Promise<void> {
    await this.redis.commands().del(this.key(workerId));
  }

  private key(workerId: string): string {
    return this.redis.key('worker', workerId, 'beat');
  }
}
