import { Module } from '@nestjs/common';
import { DeploymentApprovals } from './approvals/deployment-approvals.js';
import { DeploymentsController } from './deployments.controller.js';
import { DeploymentsModule } from './deployments.module.js';
import { DeploymentsService } from './deployments.service.js';
import { EnvironmentPages } from './environments/environment-pages.js';
import { EnvironmentsController } from './environments/environments.controller.js';
import { Promotions } from './promotions.js';
import { Rollbacks } from './rollbacks.js';

/** Deployments with their routes: for the API only. */
@Module({
  imports: [DeploymentsModule],
  controllers: [DeploymentsController, EnvironmentsController],
  providers: [DeploymentsService, DeploymentApprovals, EnvironmentPages, Promotions, Rollbacks],
})
export class DeploymentsApiModule {}
