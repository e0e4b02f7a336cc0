import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { HostMonitor, MonitorParts } from './monitor/monitor-parts.js';
import { ServiceRegistryModule } from './service-registry.module.js';

/** A worker watches what was deployed on its host; one of the workers of a host at a time. */
@Module({ imports: [ServiceRegistryModule], providers: [HostMonitor, MonitorParts] })
export class ServiceRegistryWorkerModule {
  /**
   * @param deployments exports `DeployedServices`
   * @param instances exports `InstanceProber`
   */
  static over(deployments: Type, instances: Type): DynamicModule {
    return { module: ServiceRegistryWorkerModule, imports: [deployments, instances] };
  }
}
