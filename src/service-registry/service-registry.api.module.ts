import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { DiscoveryController } from './discovery.controller.js';
import { HistoryKeeper } from './history/history-keeper.js';
import { MonitorParts, RegisteredMonitor } from './monitor/monitor-parts.js';
import { MaintenanceService } from './maintenance.service.js';
import { ServiceRegistryModule } from './service-registry.module.js';
import { ServiceHealthService } from './service-health.service.js';
import { ServicesController } from './services.controller.js';
import { ServicesService } from './services.service.js';

/** The registry with its routes, and the monitor of what was registered by hand: for the API. */
@Module({
  imports: [ServiceRegistryModule],
  controllers: [ServicesController, DiscoveryController],
  providers: [
    HistoryKeeper,
    MaintenanceService,
    MonitorParts,
    RegisteredMonitor,
    ServiceHealthService,
    ServicesService,
  ],
  exports: [ServiceRegistryModule, ServicesService],
})
export class ServiceRegistryApiModule {
  /** @param deployments exports `DeployedServices` */
  static over(deployments: Type): DynamicModule {
    return { module: ServiceRegistryApiModule, imports: [deployments], exports: [deployments] };
  }
}
