import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Metrics } from '../../common/metrics/metrics.js';
import { DatabaseConnection } from './database-connection.js';
import { DatabaseModule } from './database.module.js';

const calls: string[] = [];

@Injectable()
class AskingService implements OnModuleInit {
  onModuleInit(): void {
    calls.push('a module begins');
  }
}

@Module({ providers: [AskingService] })
class AskingModule {}

it('connects before any module can ask the database something', async () => {
  const noting = (name: string) => async (): Promise<void> => void calls.push(name);
  jest.spyOn(DatabaseConnection.prototype, 'reach').mockImplementation(noting('reach'));
  jest.spyOn(DatabaseConnection.prototype, 'open').mockImplementation(noting('open'));
  const options = { uri: 'mongodb://127.0.0.1:1', databaseName: 'd', poolSize: 1 };
  const database = DatabaseModule.forRoot(options);
  class MetricsModule {}
  const metrics = { module: MetricsModule, global: true, providers: [Metrics], exports: [Metrics] };
  class AppModule {}
  const imports = [AskingModule, metrics, database];
  const app = await NestFactory.createApplicationContext(
    { module: AppModule, imports },
    { logger: false },
  );
  await app.close();
  expect(calls).toEqual(['reach', 'a module begins', 'open']);
});
