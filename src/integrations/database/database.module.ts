import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { getConnectionToken } from '@nestjs/mongoose';
import { Metrics } from '../../common/metrics/metrics.js';
import { Installation } from '../../common/installation.js';
import { DatabaseConnection, type DatabaseOptions } from './database-connection.js';
import { InstallationRepository } from './installation/installation.repository.js';
import { StoredInstallation } from './installation/stored-installation.js';

/**
 * Global: gives `MongooseModule.forFeature` its connection, and everybody `DatabaseConnection` and
 * `Installation`.
 */
@Module({})
export class DatabaseModule implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(DatabaseConnection) private readonly database: DatabaseConnection) {}

  static forRoot(options: DatabaseOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [
        {
          provide: DatabaseConnection,
          inject: [Metrics],
          useFactory: (metrics: Metrics) =>
            new DatabaseConnection({
              ...options,
              onError: (code) => metrics.dependencyFailed('database', code),
            }),
        },
        {
          provide: getConnectionToken(),
          inject: [DatabaseConnection],
          useFactory: (database: DatabaseConnection) => database.connection,
        },
        {
          provide: Installation,
          inject: [DatabaseConnection],
          useFactory: (database: DatabaseConnection) =>
            new StoredInstallation(new InstallationRepository(database.connection), () =>
              database.reach(),
            ),
        },
      ],
      exports: [DatabaseConnection, Installation, getConnectionToken()],
    };
  }

  /** Before the modules that ask it something as they begin: Nest begins with global ones. */
  onModuleInit(): void {
    void this.database.reach();
  }

  /**
   * Connecting continues behind the start: a process serves its health page, and refuses by 503,
   * while the database is away.
   */
  onApplicationBootstrap(): void {
    void this.database.open();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.database.close();
  }
}
