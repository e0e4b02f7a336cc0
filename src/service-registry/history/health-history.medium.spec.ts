import mongoose from 'mongoose';
import { testServices } from '../../../test/support/services.js';
import type { HealthChunk } from './health-chunk.js';
import { HEALTH_CHUNK_MODEL, healthChunkSchema } from './health-chunk.schema.js';
import { describeHealthHistory } from './health-history.contract.spec.js';
import { HealthHistoryRepository } from './health-history.repository.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const chunks = connection.model<HealthChunk>(HEALTH_CHUNK_MODEL, healthChunkSchema);
const repository = new HealthHistoryRepository(chunks);

beforeAll(async () => {
  await connection.asPromise();
  await chunks.init();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describeHealthHistory('HealthHistoryRepository', () => repository);
