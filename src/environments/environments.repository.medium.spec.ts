import mongoose from 'mongoose';
import { testServices } from '../../test/support/services.js';
import type { Environment } from './environment.js';
import { describeEnvironmentStore } from './environment-store.contract.spec.js';
import { ENVIRONMENT_MODEL, environmentSchema } from './environment.schema.js';
import { EnvironmentsRepository } from './environments.repository.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const model = connection.model<Environment>(ENVIRONMENT_MODEL, environmentSchema);
const repository = new EnvironmentsRepository(model);

beforeAll(async () => {
  await connection.asPromise();
  await model.init();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describeEnvironmentStore('EnvironmentsRepository', () => repository);
