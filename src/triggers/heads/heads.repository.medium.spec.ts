import mongoose from 'mongoose';
import { testServices } from '../../../test/support/services.js';
import { describeHeadStore } from './head-store.contract.spec.js';
import {
  HEAD_CHECK_MODEL,
  HEAD_MODEL,
  type HeadCheckDocument,
  headCheckSchema,
  type HeadDocument,
  headSchema,
  PUSH_MODEL,
  type PushDocument,
  pushSchema,
} from './head.schema.js';
import { HeadsRepository } from './heads.repository.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const repository = new HeadsRepository(
  connection.model<HeadDocument>(HEAD_MODEL, headSchema),
  connection.model<PushDocument>(PUSH_MODEL, pushSchema),
  connection.model<HeadCheckDocument>(HEAD_CHECK_MODEL, headCheckSchema),
);

beforeAll(async () => {
  await connection.asPromise();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describeHeadStore('HeadsRepository', () => repository);
