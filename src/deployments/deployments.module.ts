import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { EnvironmentsModule } from '../environments/environments.module.js';
import { EnvironmentGate } from './approvals/environment-gate.js';
import { DeploymentStore } from './record/deployment-store.js';
import { SshIdentities } from './record/ssh-identities.js';
import { SshIdentitiesRepository } from './record/ssh-identities.repository.js';
import { SshIdentitySealing } from './record/ssh-identity-sealing.js';
import { DeploymentsRepository } from './record/deployments.repository.js';
import {
  DEPLOYMENT_MODEL,
  deploymentSchema,
  RELEASE_MODEL,
  releaseSchema,
  SERVICE_MODEL,
  serviceSchema,
  SSH_IDENTITY_MODEL,
  sshIdentitySchema,
} from './record/deployment.schema.js';
import { DeploymentGate } from './running/approval-gate.js';

/** The record of deployments, releases and services, for the API and the workers. */
@Module({
  imports: [
    EnvironmentsModule,
    MongooseModule.forFeature([
      { name: DEPLOYMENT_MODEL, schema: deploymentSchema },
      { name: RELEASE_MODEL, schema: releaseSchema },
      { name: SERVICE_MODEL, schema: serviceSchema },
      { name: SSH_IDENTITY_MODEL, schema: sshIdentitySchema },
    ]),
  ],
  providers: [
    { provide: DeploymentStore, useClass: DeploymentsRepository },
    { provide: SshIdentities, useClass: SshIdentitiesRepository },
    SshIdentitySealing,
    { provide: DeploymentGate, useClass: EnvironmentGate },
  ],
  exports: [DeploymentStore, SshIdentities, DeploymentGate, EnvironmentsModule],
})
export class DeploymentsModule {}
