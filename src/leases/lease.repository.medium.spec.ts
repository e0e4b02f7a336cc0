import mongoose from 'mongoose';
import { testServices } from '../../test/support/services.js';
import { describeLeaseStore } from './lease-store.contract.spec.js';
import { LeaseRepository } from './lease.repository.js';
import { LeaseRecord, LeaseSchema } from './lease.schema.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const repository = new LeaseRepository(connection.model(LeaseRecord.name, LeaseSchema));

beforeAll(async () => {
  await connection.asPromise();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describeLeaseStore('LeaseRepository', () => repository);
