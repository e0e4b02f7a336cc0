import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { DeployedServices } from '../service-registry/deployed-services.js';
import { DeploymentStore } from './record/deployment-store.js';
import { DeploymentsRepository } from './record/deployments.repository.js';
import { RecordedServices } from './record/recorded-services.js';
import {
  DEPLOYMENT_MODEL,
  deploymentSchema,
  RELEASE_MODEL,
  releaseSchema,
  SERVICE_MODEL,
  serviceSchema,
} from './record/deployment.schema.js';

/** The record of deployments, releases and services, for the API and the workers. */
@Module({
  imports: [
    MongooseModule.forFeature([
      { name: DEPLOYMENT_MODEL, schema: deploymentSchema },
      { name: RELEASE_MODEL, schema: releaseSchema },
      { name: SERVICE_MODEL, schema: serviceSchema },
    ]),
  ],
  providers: [
    { provide: DeploymentStore, useClass: DeploymentsRepository },
    { provide: DeployedServices, useClass: RecordedServices },
  ],
  exports: [DeployedServices, DeploymentStore],
})
export class DeploymentsModule {}
