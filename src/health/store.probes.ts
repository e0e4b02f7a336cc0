import { HealthProbe, type ProbeResult } from '../common/health/health-probe.js';
import type { DatabaseConnection } from '../integrations/database/database-connection.js';
import type { RedisConnections } from '../integrations/redis/redis-connections.js';
import { isFull, mayEvict, SAFE_POLICY } from '../integrations/redis/redis-memory.js';

/** Nothing can be read or accepted without the database. */
export class DatabaseProbe extends HealthProbe {
  readonly name = 'database';
  readonly critical = true;
  readonly downMessage = 'not reachable';

  constructor(private readonly database: DatabaseConnection) {
    super();
  }

  async check(): Promise<ProbeResult> {
    await this.database.ping();
    return { status: 'up', message: 'reachable' };
  }
}

/** Without Redis executions are accepted and wait, and live logs stand still: the API continues. */
export class RedisProbe extends HealthProbe {
  readonly name = 'redis';
  readonly critical = false;
  readonly downMessage = 'not reachable: executions are accepted and wait';

  constructor(private readonly redis: RedisConnections) {
    super();
  }

  async check(): Promise<ProbeResult> {
    const memory = await this.redis.memory();
    const data = {
      used_bytes: memory.usedBytes,
      limit_bytes: memory.limitBytes ?? null,
      policy: memory.policy ?? null,
    };
    if (isFull(memory)) {
      const message =
        'full: it refuses writes, executions are accepted and wait (raise its maxmemory)';
      return { status: 'degraded', message, data };
    }
    if (mayEvict(memory)) {
      const message = `may drop keys of the queue: set its maxmemory-policy to ${SAFE_POLICY}`;
      return { status: 'degraded', message, data };
    }
    return { status: 'up', message: 'reachable', data };
  }
}
