import { Injectable } from '@nestjs/common';
import { failPoint } from '../../common/fail-point.js';
import { cutText } from '../../common/values/cut-text.js';
import { failedSince } from '../../service-registry/failures/failed-since.js';
import { FailureRecords } from '../../service-registry/failures/failure-records.js';
import type { WatchedService } from '../../service-registry/record/watched-service.js';
import { type Alert, leftAlertId, withDeliveries } from '../alerts/alert.js';
import { AlertStore } from '../alerts/alert-store.js';
import { deliveryTo } from './alert-recipients.js';
import type { RoundView } from './round-view.js';
import { MOST_MESSAGE } from './service-teller.js';

/** Tells once that a service stays failed: nothing more is done about it by itself. */
@Injectable()
export class LeftTeller {
  constructor(
    private readonly store: AlertStore,
    private readonly failures: FailureRecords,
  ) {}

  /** Behind the alert that it has failed, never before. @param now milliseconds since 1970 */
  async tell(view: RoundView, service: WatchedService, now: number): Promise<void> {
    const { health, id: subject, _id: name } = service;
    const state = view.states.get(subject);
    const isTold = state?.told === 'failed' && state.alert !== null && state.seq === health?.seq;
    if (!isTold || health.status !== 'failed') return;
    const [last] = await this.failures.of(name, 1);
    if (last?.state !== 'left') return;
    if (last.seq !== failedSince(health.seq, await view.changesOf(name))) return;
    const _id = leftAlertId(subject, last.seq, last.attempt);
    if ((await this.store.find(_id)) !== undefined) return;
    const { code, message } = last.reason;
    const alert: Alert = {
      ...{ _id, subject, kind: 'service', service: name, from: 'failed', to: 'failed' },
      ...{ at: last.at, reason: { code, message: cutText(message, MOST_MESSAGE) } },
      ...{ after_deployment: null, caused_by: [], followers: [], deliveries: [], due_at: null },
      ...{ created_at: new Date(now), version: 1 },
    };
    const deliveries = view.channelsOf(service).map((channel) => deliveryTo(channel, now));
    await this.store.insert(withDeliveries(alert, deliveries));
    failPoint('alert_stored');
  }
}
