import { Injectable } from '@nestjs/common';
import { ServiceStore } from '../../service-registry/record/service-store.js';
import {
  MONITOR_SILENT_MS,
  type ShardWatch,
} from '../../service-registry/record/watched-service.js';
import {
  monitorAlertId,
  monitorSubject,
  type ServiceAlert,
  withDeliveries,
} from '../alerts/alert.js';
import { AlertStore } from '../alerts/alert-store.js';
import { failPoint } from '../../common/fail-point.js';
import { AlertRecipients, deliveryTo } from './alert-recipients.js';
import type { RoundView } from './round-view.js';

/** What was longer ago is told no more, ms. */
const NEWS_MS = 86_400_000;

/**
 * Tells that nobody has looked, once for all services of a monitor, and that somebody looks again.
 */
@Injectable()
export class MonitorTeller {
  /** Of alerts that are stored. */
  private readonly told = new Set<string>();

  constructor(
    private readonly services: ServiceStore,
    private readonly store: AlertStore,
    private readonly recipients: AlertRecipients,
  ) {}

  /** @param now milliseconds since 1970 */
  async tell(view: RoundView, now: number): Promise<void> {
    for (const watch of (await this.services.shards()).values()) {
      const seen = watch.observed_at.getTime();
      if (now - seen > MONITOR_SILENT_MS && now - seen < NEWS_MS) {
        await this.lost(view, watch, seen, now);
      }
      const { gap } = watch;
      if (!gap || now - gap.until.getTime() >= NEWS_MS) continue;
      await this.lost(view, watch, gap.from.getTime(), now);
      await this.back(view, watch, { from: gap.from.getTime(), until: gap.until }, now);
    }
  }

  private async lost(
    view: RoundView,
    { _id: shard }: ShardWatch,
    since: number,
    now: number,
  ): Promise<void> {
    const at = new Date(since);
    await this.insert(view, shard, now, {
      ...{ _id: monitorAlertId(shard, since, 'lost'), from: 'running', to: 'unknown', at },
      reason: {
        code: 'monitor_silent',
        message: `nobody has looked after the services of the monitor "${shard}" since ${at.toISOString()}`,
      },
    });
  }

  private async back(
    view: RoundView,
    { _id: shard }: ShardWatch,
    { from, until }: { readonly from: number; readonly until: Date },
    now: number,
  ): Promise<void> {
    const since = new Date(from).toISOString();
    await this.insert(view, shard, now, {
      ...{ _id: monitorAlertId(shard, from, 'back'), from: 'unknown', to: 'running', at: until },
      reason: {
        code: 'monitor_back',
        message: `the monitor "${shard}" looks again; nobody has looked from ${since} to ${until.toISOString()}`,
      },
    });
  }

  private async insert(
    view: RoundView,
    shard: string,
    now: number,
    told: Pick<ServiceAlert, '_id' | 'from' | 'to' | 'at' | 'reason'>,
  ): Promise<void> {
    if (this.told.has(told._id)) return;
    const own = [...view.services.values()].filter((one) => one.shard === shard);
    const channels = await this.recipients.others(
      own.flatMap((one) => view.channelsOf(one)),
      [],
    );
    if (channels.length === 0) return;
    const alert: ServiceAlert = {
      ...{ ...told, subject: monitorSubject(shard), kind: 'monitor', service: shard },
      ...{ after_deployment: null, caused_by: [], followers: [], deliveries: [], due_at: null },
      ...{ created_at: new Date(now), version: 1 },
    };
    const deliveries = channels.map((channel) => deliveryTo(channel, now));
    await this.store.insert(withDeliveries(alert, deliveries));
    failPoint('alert_stored');
    this.told.add(told._id);
  }
}
