import { Injectable } from '@nestjs/common';
import { FailureRecords } from './failures/failure-records.js';
import { HealthHistory } from './history/health-history.js';
import { ServiceStore } from './record/service-store.js';

/** What the registry holds of a service, with its history, is removed. */
@Injectable()
export class ServiceRemoval {
  constructor(
    private readonly store: ServiceStore,
    private readonly history: HealthHistory,
    private readonly failures: FailureRecords,
  ) {}

  /** Idempotent. @param id `environment/name` */
  async remove(id: string): Promise<void> {
    await this.store.remove(id);
    await this.history.removeService(id);
    await this.failures.removeOf(id);
  }
}
