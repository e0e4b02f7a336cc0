import { Module } from '@nestjs/common';
import { ArtifactsRepository } from '../executions/artifacts/artifacts.repository.js';
import { ExecutionsModule } from '../executions/executions.module.js';
import { ExecutionsRepository } from '../executions/record/executions.repository.js';
import { SecretsService } from '../secrets/store/secrets.service.js';
import { WorkersModule } from '../workers/workers.module.js';
import { WorkersRepository } from '../workers/workers.repository.js';
import { DeploymentApprovals } from './approvals/deployment-approvals.js';
import { DeploymentsController } from './deployments.controller.js';
import { DeploymentsModule } from './deployments.module.js';
import { DeploymentsService } from './deployments.service.js';
import { DirectArtifacts } from './direct/direct-artifacts.js';
import { DirectDeployments } from './direct/direct-deployments.js';
import { DirectHosts } from './direct/direct-hosts.js';
import { DirectSecrets } from './direct/direct-secrets.js';
import { EnvironmentPages } from './environments/environment-pages.js';
import { EnvironmentsController } from './environments/environments.controller.js';
import { Promotions } from './promotions.js';
import { Rollbacks } from './rollbacks.js';

/** Deployments with their routes: for the API only. */
@Module({
  imports: [DeploymentsModule, ExecutionsModule, WorkersModule],
  controllers: [DeploymentsController, EnvironmentsController],
  providers: [
    DeploymentsService,
    DeploymentApprovals,
    EnvironmentPages,
    {
      provide: DirectArtifacts,
      inject: [ExecutionsRepository, ArtifactsRepository],
      useFactory: (executions: ExecutionsRepository, artifacts: ArtifactsRepository) =>
        new DirectArtifacts(executions, artifacts),
    },
    DirectDeployments,
    {
      provide: DirectHosts,
      inject: [WorkersRepository],
      useFactory: (workers: WorkersRepository) => new DirectHosts(workers),
    },
    {
      provide: DirectSecrets,
      inject: [SecretsService],
      useFactory: (secrets: SecretsService) => new DirectSecrets(secrets),
    },
    Promotions,
    Rollbacks,
  ],
})
export class DeploymentsApiModule {}
