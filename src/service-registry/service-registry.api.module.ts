import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { EventBusModule } from '../integrations/event-bus/event-bus.module.js';
import { DiscoveryController } from './discovery.controller.js';
import { HistoryKeeper } from './history/history-keeper.js';
import { MonitorParts, RegisteredMonitor } from './monitor/monitor-parts.js';
import { ServiceLogs } from './logs/service-logs.service.js';
import { MaintenanceService } from './maintenance.service.js';
import { ServiceRegistryModule } from './service-registry.module.js';
import { ServiceHealthService } from './service-health.service.js';
import { ServicesController } from './services.controller.js';
import { ServicesService } from './services.service.js';

/** The registry with its routes, and the monitor of what was registered by hand: for the API. */
@Module({
  imports: [EventBusModule, ServiceRegistryModule],
  controllers: [ServicesController, DiscoveryController],
  providers: [
    HistoryKeeper,
    MaintenanceService,
    MonitorParts,
    RegisteredMonitor,
    ServiceHealthService,
    ServiceLogs,
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
