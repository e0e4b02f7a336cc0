import mongoose from 'mongoose';
import { testServices } from '../../../../test/support/services.js';
import { describeInstallationStore } from './installation-store.contract.spec.js';
import { InstallationRepository } from './installation.repository.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});

beforeAll(async () => {
  await connection.asPromise();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describeInstallationStore('InstallationRepository', () => new InstallationRepository(connection));
