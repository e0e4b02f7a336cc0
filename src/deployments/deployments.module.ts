import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { PortsModule } from '../ports/ports.module.js';
import { DeployedPortOwners } from './record/deployed-port-owners.js';
import { DeployedServices } from '../service-registry/deployed-services.js';
import { EnvironmentsModule } from '../environments/environments.module.js';
import { ExecutionsModule } from '../executions/executions.module.js';
import { ExecutionsRepository } from '../executions/record/executions.repository.js';
import { SecretsService } from '../secrets/store/secrets.service.js';
import { EnvironmentGate } from './approvals/environment-gate.js';
import { SuspendedWaits } from './approvals/suspended-waits.js';
import { InstanceRequests } from './instance-requests.js';
import { DeploymentStore } from './record/deployment-store.js';
import { ReleaseEnvironments } from './running/release-environments.js';
import { SealedTexts } from './record/sealed-texts.js';
import { SealedTextsRepository } from './record/sealed-texts.repository.js';
import { SealedTextsPlaces } from './record/sealed-texts-places.js';
import { DeploymentsRepository } from './record/deployments.repository.js';
import { Removals } from './removals.js';
import { RecordedServices } from './routes/recorded-services.js';
import {
  DEPLOYMENT_MODEL,
  deploymentSchema,
  RELEASE_MODEL,
  releaseSchema,
  SERVICE_MODEL,
  serviceSchema,
  SEALED_TEXT_MODEL,
  sealedTextSchema,
} from './record/deployment.schema.js';
import { DeploymentGate } from './running/approval-gate.js';

/** The record of deployments, releases and services, for the API and the workers. */
@Module({
  imports: [
    PortsModule,
    EnvironmentsModule,
    ExecutionsModule,
    MongooseModule.forFeature([
      { name: DEPLOYMENT_MODEL, schema: deploymentSchema },
      { name: RELEASE_MODEL, schema: releaseSchema },
      { name: SERVICE_MODEL, schema: serviceSchema },
      { name: SEALED_TEXT_MODEL, schema: sealedTextSchema },
    ]),
  ],
  providers: [
    { provide: DeploymentStore, useClass: DeploymentsRepository },
    { provide: SealedTexts, useClass: SealedTextsRepository },
    SealedTextsPlaces,
    {
      provide: ReleaseEnvironments,
      inject: [SealedTexts, SecretsService, ExecutionsRepository],
      useFactory: (
        sealed: SealedTexts,
        secrets: SecretsService,
        executions: ExecutionsRepository,
      ) => new ReleaseEnvironments(sealed, secrets, executions),
    },
    DeployedPortOwners,
    Removals,
    InstanceRequests,
    { provide: DeployedServices, useClass: RecordedServices },
    { provide: DeploymentGate, useClass: EnvironmentGate },
    SuspendedWaits,
  ],
  exports: [
    DeployedServices,
    DeploymentStore,
    ReleaseEnvironments,
    SealedTexts,
    DeploymentGate,
    EnvironmentsModule,
    SuspendedWaits,
  ],
})
export class DeploymentsModule {}
