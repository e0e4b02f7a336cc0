import mongoose from 'mongoose';
import { testServices } from '../../../test/support/services.js';
import type { Deployment, Release, Service } from './deployment.js';
import { describeDeploymentStore } from './deployment-store.contract.spec.js';
import {
  DEPLOYMENT_MODEL,
  deploymentSchema,
  RELEASE_MODEL,
  releaseSchema,
  SERVICE_MODEL,
  serviceSchema,
} from './deployment.schema.js';
import { DeploymentsRepository } from './deployments.repository.js';

const { mongodbUri, databaseName } = testServices();
const connection = mongoose.createConnection(mongodbUri, {
  dbName: databaseName,
  retryWrites: false,
});
const deployments = connection.model<Deployment>(DEPLOYMENT_MODEL, deploymentSchema);
const releases = connection.model<Release>(RELEASE_MODEL, releaseSchema);
const services = connection.model<Service>(SERVICE_MODEL, serviceSchema);
const repository = new DeploymentsRepository(deployments, releases, services);

beforeAll(async () => {
  await connection.asPromise();
  for (const model of [deployments, releases, services]) await model.init();
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

describeDeploymentStore('DeploymentsRepository', () => repository);
