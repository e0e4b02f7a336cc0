import { Module, type OnModuleInit } from '@nestjs/common';
import { HealthRegistry } from '../common/health/health-registry.js';
import { WorkersController } from './workers.controller.js';
import { WorkersModule } from './workers.module.js';
import { WorkersProbe } from './workers.probe.js';
import { WorkersRepository } from './workers.repository.js';
import { WorkersService } from './workers.service.js';

/** The list of workers, and what health shows of them. */
@Module({ imports: [WorkersModule], controllers: [WorkersController], providers: [WorkersService] })
export class WorkersApiModule implements OnModuleInit {
  constructor(
    private readonly health: HealthRegistry,
    private readonly workers: WorkersRepository,
  ) {}

  onModuleInit(): void {
    this.health.register(new WorkersProbe(this.workers));
  }
}
