import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { EventBusModule } from '../integrations/event-bus/event-bus.module.js';
import { LogAnswers } from './logs/log-answers.js';
import { HostMonitor, MonitorParts } from './monitor/monitor-parts.js';
import { ServiceRegistryModule } from './service-registry.module.js';

/**
 * A worker watches what was deployed on its host, one of the workers of a host at a time; and reads
 * its logs for who asks.
 */
@Module({
  imports: [EventBusModule, ServiceRegistryModule],
  providers: [HostMonitor, LogAnswers, MonitorParts],
})
export class ServiceRegistryWorkerModule {
  /**
   * @param deployments exports `DeployedServices`
   * @param instances exports `InstanceProber` and `InstanceLogs`
   */
  static over(deployments: Type, instances: Type): DynamicModule {
    return { module: ServiceRegistryWorkerModule, imports: [deployments, instances] };
  }
}
