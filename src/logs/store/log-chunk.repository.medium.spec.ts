import mongoose from 'mongoose';
import { testServices } from '../../../test/support/services.js';
import { describeLogChunkStore } from './log-chunk-store.contract.spec.js';
import { LogChunkRepository } from './log-chunk.repository.js';
import { LOG_CHUNK_MODEL, logChunkSchema, type LogChunkDocument } from './log-chunk.schema.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const model = connection.model<LogChunkDocument>(LOG_CHUNK_MODEL, logChunkSchema);
const repository = new LogChunkRepository(model);

beforeAll(async () => {
  await connection.asPromise();
  await model.createIndexes();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describeLogChunkStore('LogChunkRepository', () => repository);
