import { Module, type OnModuleInit } from '@nestjs/common';
import { HealthRegistry } from '../common/health/health-registry.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { DatabaseConnection } from '../integrations/database/database-connection.js';
import { RedisConnections } from '../integrations/redis/redis-connections.js';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { DiskProbe, MemoryProbe } from './machine.probes.js';
import { DatabaseProbe, RedisProbe } from './store.probes.js';

/**
 * API only: the health routes, and the probes of stores and machine. Queue and workers register
 * theirs themselves.
 */
@Module({ controllers: [HealthController], providers: [HealthService] })
export class HealthModule implements OnModuleInit {
  constructor(
    private readonly registry: HealthRegistry,
    private readonly database: DatabaseConnection,
    private readonly redis: RedisConnections,
    private readonly config: MillraceConfig,
  ) {}

  onModuleInit(): void {
    this.registry.register(new DatabaseProbe(this.database));
    this.registry.register(new RedisProbe(this.redis));
    this.registry.register(new DiskProbe(this.config));
    this.registry.register(new MemoryProbe(this.config));
  }
}
