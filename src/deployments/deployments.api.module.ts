import { Module } from '@nestjs/common';
import { DeploymentsController } from './deployments.controller.js';
import { DeploymentsModule } from './deployments.module.js';
import { DeploymentsService } from './deployments.service.js';

/** Deployments with their routes: for the API only. */
@Module({
  imports: [DeploymentsModule],
  controllers: [DeploymentsController],
  providers: [DeploymentsService],
})
export class DeploymentsApiModule {}
