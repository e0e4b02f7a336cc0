import { Injectable } from '@nestjs/common';
import type { Page, PageRequest } from '../../common/http/paging.js';
import { type ServiceName, ServicesService } from '../../service-registry/services.service.js';
import { type Alert, monitorSubject } from './alert.js';
import { AlertStore } from './alert-store.js';

/** What was told, as the API shows it. */
@Injectable()
export class AlertsService {
  constructor(
    private readonly services: ServicesService,
    private readonly alerts: AlertStore,
  ) {}

  /**
   * The newest first.
   * @param of the service itself, or the monitor that looks after it
   * @throws NotFoundError
   */
  async list(
    name: ServiceName,
    of: 'service' | 'monitor',
    page: PageRequest,
  ): Promise<Page<Alert>> {
    const { uuid, watched } = await this.services.get(name);
    const subject = of === 'monitor' ? monitorSubject(watched?.shard ?? '') : uuid;
    return this.alerts.page(subject, page);
  }
}
