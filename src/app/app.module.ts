import { Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from 'pino';
import { AuditApiModule } from '../audit/audit.api.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { HealthRegistryModule } from '../common/health/health-registry.module.js';
import { LoggingModule } from '../common/logging/logging.module.js';
import { MetricsRegistryModule } from '../common/metrics/metrics-registry.module.js';
import { ExecutionPartsModule } from '../common/retention/execution-parts.module.js';
import { ConfigModule } from '../config/config.module.js';
import type { MillraceConfig } from '../config/millrace-config.js';
import { storeAddresses } from '../config/store-addresses.js';
import { DetectionsApiModule } from '../detections/detections.api.module.js';
import { DetectionsWorkerModule } from '../detections/detections.worker.module.js';
import { RepositoriesApiModule } from '../repositories/repositories.api.module.js';
import { EncryptionStateModule } from '../secrets/rotation/encryption-state.module.js';
import { EncryptionModule } from '../secrets/encryption/encryption.module.js';
import { Keyring } from '../secrets/encryption/keyring.js';
import { SecretsApiModule } from '../secrets/store/secrets.api.module.js';
import { SecretsModule } from '../secrets/store/secrets.module.js';
import { TriggersApiModule } from '../triggers/triggers.api.module.js';
import { TriggersWorkerModule } from '../triggers/triggers.worker.module.js';
import { DeploymentsApiModule } from '../deployments/deployments.api.module.js';
import { DeploymentsWorkerModule } from '../deployments/deployments.worker.module.js';
import { DeploymentsModule } from '../deployments/deployments.module.js';
import { ExecutionsApiModule } from '../executions/executions.api.module.js';
import { ExecutionsWorkerModule } from '../executions/executions.worker.module.js';
import { HealthModule } from '../health/health.module.js';
import { IdempotencyModule } from '../idempotency/idempotency.module.js';
import { DatabaseModule } from '../integrations/database/database.module.js';
import { EngineWatch } from '../integrations/container-runtime/engine-watch.js';
import { ContainerRuntimeModule } from '../integrations/container-runtime/container-runtime.module.js';
import { ObjectStoreModule } from '../integrations/object-store/object-store.module.js';
import { GitModule } from '../integrations/git/git.module.js';
import { ProcessModule } from '../integrations/process/process.module.js';
import { StepAccount } from '../integrations/process/step-account.js';
import { compileLimitModule } from '../integrations/rate-limit/compile-limit.module.js';
import { RateLimitModule } from '../integrations/rate-limit/rate-limit.module.js';
import { RedisModule } from '../integrations/redis/redis.module.js';
import { TracingModule } from '../integrations/tracing/tracing.module.js';
import { LogLevelApiModule } from '../log-level/log-level.api.module.js';
import { LogLevelModule } from '../log-level/log-level.module.js';
import { MetricsModule } from '../metrics/metrics.module.js';
import { NotificationsModule } from '../notifications/notifications.module.js';
import { NotificationsApiModule } from '../notifications/notifications.api.module.js';
import { PipelinesApiModule } from '../pipelines/pipelines.api.module.js';
import { PortsApiModule } from '../ports/ports.api.module.js';
import { PortsModule } from '../ports/ports.module.js';
import { ServiceRegistryApiModule } from '../service-registry/service-registry.api.module.js';
import { ServiceRegistryWorkerModule } from '../service-registry/service-registry.worker.module.js';
import { WorkerPulse } from '../workers/worker-pulse.js';
import { WorkersApiModule } from '../workers/workers.api.module.js';
import { WorkersWorkerModule } from '../workers/workers.worker.module.js';

export type Role = MillraceConfig['role'];
type Imports = NonNullable<DynamicModule['imports']>;

/** The modules of a role; the only place that knows all of them. */
@Module({})
export class AppModule {
  static forRole(role: Role, config: MillraceConfig, logger: Logger): DynamicModule {
    const imports = [...baseModules(role, config, logger)];
    if (role !== 'worker') imports.push(...apiModules());
    if (role !== 'api') imports.push(...workerModules());
    return { module: AppModule, imports };
  }
}

function baseModules(role: Role, config: MillraceConfig, logger: Logger): Imports {
  const { mongodbUri, redisUrl } = storeAddresses(config);
  return [
    ConfigModule.forRoot(config),
    LoggingModule.forRoot(logger),
    HealthRegistryModule,
    MetricsRegistryModule,
    ExecutionPartsModule,
    ObjectStoreModule.forRoot({ sweeps: role !== 'worker' }),
    DatabaseModule.forRoot({
      uri: mongodbUri,
      databaseName: config.mongodbDatabase,
      poolSize: config.mongodbPoolSize,
    }),
    AuditModule,
    TracingModule.forRoot(role),
    EncryptionModule,
    EncryptionStateModule,
    SecretsModule,
    LogLevelModule,
    PortsModule,
    // Installations that share a Redis are told apart as those that share a database server are.
    RedisModule.forRoot({ url: redisUrl, keyPrefix: config.mongodbDatabase }),
  ];
}

function apiModules(): Imports {
  const registry = ServiceRegistryApiModule.over(DeploymentsModule);
  return [
    RateLimitModule.forRoot(),
    compileLimitModule(),
    AuthModule.forRoot(Keyring),
    AuditApiModule,
    IdempotencyModule,
    PipelinesApiModule,
    ExecutionsApiModule,
    RepositoriesApiModule,
    DeploymentsApiModule,
    registry,
    NotificationsApiModule.over(registry),
    SecretsApiModule,
    TriggersApiModule,
    DetectionsApiModule,
    WorkersApiModule,
    PortsApiModule,
    HealthModule,
    LogLevelApiModule,
    MetricsModule,
  ];
}

function workerModules(): Imports {
  return [
    ProcessModule.forRootAsync({
      imports: [WorkersWorkerModule],
      inject: [WorkerPulse],
      useFactory: (pulse: WorkerPulse) => ({ isSteady: () => pulse.isSteady }),
    }),
    GitModule.forRootAsync({
      inject: [StepAccount, EngineWatch],
      useFactory: ({ isOtherUser }: StepAccount, engine: EngineWatch) => ({
        mayShareFiles: () => isOtherUser && !engine.hasEverBeenThere,
      }),
    }),
    ContainerRuntimeModule,
    ExecutionsWorkerModule.deployingBy(DeploymentsWorkerModule, DetectionsWorkerModule),
    ServiceRegistryWorkerModule.over(DeploymentsModule, DeploymentsWorkerModule),
    TriggersWorkerModule,
    DetectionsWorkerModule,
    NotificationsModule,
  ];
}
