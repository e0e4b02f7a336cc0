import { Module } from '@nestjs/common';
import { join } from 'node:path';
import { MillraceConfig } from '../config/millrace-config.js';
import { installationName } from '../config/paths.js';
import { Deployer } from '../executions/attempt/steps/deployer.js';
import { WorkersModule } from '../workers/workers.module.js';
import { WorkersWorkerModule } from '../workers/workers.worker.module.js';
import { AddressPolicy } from '../common/net/address-policy.js';
import { Ssh2Client } from '../integrations/ssh/ssh2-client.js';
import { DeploymentStore } from './record/deployment-store.js';
import { SshIdentities } from './record/ssh-identities.js';
import { SshDirectoryTarget } from './targets/ssh-directory/ssh-directory.target.js';
import { DeploymentsModule } from './deployments.module.js';
import { DeploymentsProcessor } from './running/deployments.processor.js';
import { OwnDeployments } from './running/own-deployments.js';
import { StepDeployments } from './steps/step-deployments.js';
import { DeployTargets } from './targets/deploy-targets.js';
import { DeployFolders } from './targets/local-directory/deploy-folders.js';
import { LocalDirectoryTarget } from './targets/local-directory/local-directory.target.js';

/** A worker does the deployments of its host: those of its steps, and those that are asked for. */
@Module({
  imports: [DeploymentsModule, WorkersModule, WorkersWorkerModule],
  providers: [
    {
      provide: DeployTargets,
      inject: [MillraceConfig, DeploymentStore, SshIdentities],
      useFactory: (
        { home, deployFolders, allowPrivateUrls }: MillraceConfig,
        store: DeploymentStore,
        identities: SshIdentities,
      ) => {
        const [first = join(home, 'deployed'), ...more] = deployFolders ?? [];
        const folders = new DeployFolders([first, ...more]);
        const client = new Ssh2Client(new AddressPolicy(allowPrivateUrls));
        return new DeployTargets(
          {
            local_directory: new LocalDirectoryTarget(
              folders,
              installationName(home),
              join(home, 'promotions'),
            ),
          },
          { local_directory: new SshDirectoryTarget(client, identities, store) },
        );
      },
    },
    OwnDeployments,
    DeploymentsProcessor,
    { provide: Deployer, useClass: StepDeployments },
  ],
  exports: [Deployer],
})
export class DeploymentsWorkerModule {}
