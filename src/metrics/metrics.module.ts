import { Module } from '@nestjs/common';
import { ExecutionsModule } from '../executions/executions.module.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsService } from './metrics.service.js';

/** API only: `/metrics`. What is counted stands in `common/metrics`. */
@Module({
  imports: [ExecutionsModule],
  controllers: [MetricsController],
  providers: [MetricsService],
})
export class MetricsModule {}
