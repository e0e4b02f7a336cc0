import { HealthProbe, type ProbeResult } from '../common/health/health-probe.js';
import type { DatabaseConnection } from '../integrations/database/database-connection.js';
import type { RedisConnections } from '../integrations/redis/redis-connections.js';

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

/** Without Redis executions are accepted and wait, and live logs stand still: the API goes on. */
export class RedisProbe extends HealthProbe {
  readonly name = 'redis';
  readonly critical = false;
  readonly downMessage = 'not reachable: executions are accepted and wait';

  constructor(private readonly redis: RedisConnections) {
    super();
  }

  async check(): Promise<ProbeResult> {
    await this.redis.ping();
    return { status: 'up', message: 'reachable' };
  }
}
