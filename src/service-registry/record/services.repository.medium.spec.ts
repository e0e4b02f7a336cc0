import mongoose from 'mongoose';
import { testServices } from '../../../test/support/services.js';
import { describeServiceStore } from './service-store.contract.spec.js';
import { ServicesRepository, type WatchedServiceDocument } from './services.repository.js';
import type { ServiceChange, ShardWatch } from './watched-service.js';
import {
  SERVICE_CHANGE_MODEL,
  serviceChangeSchema,
  SHARD_WATCH_MODEL,
  shardWatchSchema,
  WATCHED_SERVICE_MODEL,
  watchedServiceSchema,
} from './watched-service.schema.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const services = connection.model<WatchedServiceDocument>(
  WATCHED_SERVICE_MODEL,
  watchedServiceSchema,
);
const changes = connection.model<ServiceChange>(SERVICE_CHANGE_MODEL, serviceChangeSchema);
const monitors = connection.model<ShardWatch>(SHARD_WATCH_MODEL, shardWatchSchema);
const repository = new ServicesRepository(services, changes, monitors);

beforeAll(async () => {
  await connection.asPromise();
  for (const model of [services, changes, monitors]) await model.init();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describeServiceStore('ServicesRepository', () => repository);
