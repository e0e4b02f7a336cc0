import mongoose from 'mongoose';
import { testServices } from '../../../test/support/services.js';
import type { FailureRecord } from './failure-record.js';
import { FAILURE_RECORD_MODEL, failureRecordSchema } from './failure-record.schema.js';
import { describeFailureRecords } from './failure-records.contract.spec.js';
import { FailureRecordsRepository } from './failure-records.repository.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const records = connection.model<FailureRecord>(FAILURE_RECORD_MODEL, failureRecordSchema);
const repository = new FailureRecordsRepository(records);

beforeAll(async () => {
  await connection.asPromise();
  await records.init();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describeFailureRecords('FailureRecordsRepository', () => repository);
