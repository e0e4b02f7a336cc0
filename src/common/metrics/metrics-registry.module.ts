import { Global, Module } from '@nestjs/common';
import { packageVersion } from '../../config/paths.js';
import { Metrics } from './metrics.js';

/** Global: gives every module what this process counts with. */
@Global()
@Module({ providers: [{ provide: Metrics, useFactory: createMetrics }], exports: [Metrics] })
export class MetricsRegistryModule {}

function createMetrics(): Metrics {
  const metrics = new Metrics();
  metrics.buildInfo.set({ version: packageVersion(), node_version: process.version }, 1);
  return metrics;
}
