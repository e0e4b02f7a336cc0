import { Leases } from '../leases/leases.js';
import { MemoryLeaseStore } from '../leases/memory-lease-store.js';
import type { PipelinesService } from '../pipelines/definitions/pipelines.service.js';
import type { ServiceStatus } from '../service-registry/checks/service-status.js';
import { MemoryDeployedServices } from '../service-registry/memory-deployed-services.fixture.js';
import { MemoryFailureRecords } from '../service-registry/failures/memory-failure-records.fixture.js';
import { MemoryServiceStore } from '../service-registry/record/memory-service-store.fixture.js';
import { newService } from '../service-registry/record/watched-service.fixture.js';
import {
  changeId,
  type NewWatchedService,
  type WatchedService,
} from '../service-registry/record/watched-service.js';
import { AlertRounds } from './alert-rounds.js';
import type { AlertReason, ServiceAlert } from './alerts/alert.js';
import { MemoryAlertStore } from './alerts/memory-alert-store.fixture.js';
import { channelId, type ChannelTarget } from './channels/channel.js';
import { MemoryChannelStore } from './channels/memory-channel-store.fixture.js';
import { AlertRecipients } from './decisions/alert-recipients.js';
import { LeftTeller } from './decisions/left-teller.js';
import { MonitorTeller } from './decisions/monitor-teller.js';
import { ServiceTeller } from './decisions/service-teller.js';
import type { AlertChannels } from './delivery/alert-channels.js';
import { AlertSender } from './delivery/alert-sender.js';

/** Services, their alerts, and a clock that a spec moves; in memory. */
export class AlertsWorld {
  /** Milliseconds since 1970: 14:00 UTC. */
  now = Date.UTC(2026, 0, 31, 14);
  readonly services = new MemoryServiceStore();
  readonly deployed = new MemoryDeployedServices();
  readonly alerts = new MemoryAlertStore();
  readonly failures = new MemoryFailureRecords();
  readonly channels = new MemoryChannelStore();
  /** Ids of those that there are. */
  readonly pipelines = new Set<string>();
  /** `url: service status`, as it was told. */
  readonly heard: string[] = [];
  readonly sent: ServiceAlert[] = [];
  /** Why targets take nothing, by their URLs. */
  readonly broken = new Map<string, AlertReason>();
  private readonly leases = new MemoryLeaseStore();
  private rounds = this.newRounds();
  readonly sender = new AlertSender(this.alerts, this.channels, {
    send: (alert: ServiceAlert, _channel: string, target: ChannelTarget) => {
      const url = target.type === 'webhook' ? target.url : target.to.join();
      const problem = this.broken.get(url);
      if (problem) return Promise.resolve(problem);
      this.sent.push(alert);
      this.heard.push(`${url}: ${alert.service} ${alert.to}`);
      return Promise.resolve(undefined);
    },
  } as unknown as AlertChannels);

  async has(name: string, more: Partial<NewWatchedService> = {}): Promise<string> {
    const service = newService({ name, ...more });
    await this.services.insert(service);
    return service._id;
  }

  async hears(name: string, url: string, channel = 'ops'): Promise<void> {
    const { id, _id } = await this.service(name);
    const at = new Date(this.now);
    await this.channels.set(
      {
        ...{ _id: channelId(id, channel), subject: id, service: _id, name: channel },
        ...{ type: 'webhook', signed: false, created_by: 'ada', created_at: at, updated_at: at },
      },
      { type: 'webhook', url, secret: null, headers: [] },
    );
  }

  async service(name: string): Promise<WatchedService> {
    const found = await this.services.find(`default/${name}`);
    if (!found) throw new Error(`no ${name}`);
    return found;
  }

  /** Its monitor says that it is so, since now. */
  async goes(name: string, to: ServiceStatus, message = 'why'): Promise<void> {
    const { _id, health } = await this.service(name);
    const at = new Date(this.now);
    const seq = (health?.seq ?? 0) + 1;
    const reason = { code: to === 'unknown' ? 'not_observed' : 'code', message };
    const from = health?.status ?? null;
    const change = { _id: changeId(_id, seq), service: _id, seq, from, to, at, reason };
    const next = { status: to, since: at, reason, endpoints: [], seq, fence: 1 };
    await this.services.writeHealth(_id, { health: next, outbox: [] });
    await this.services.insertChanges([change]);
  }

  /** What is decided and sent at this moment. */
  async round(): Promise<void> {
    await this.rounds.round(this.now);
    await this.sender.send(
      () => false,
      () => this.now,
    );
  }

  async pass(seconds: number): Promise<void> {
    this.now += seconds * 1000;
    await this.round();
  }

  /** Another process does it from now on, which knows what is stored. */
  async restart(): Promise<void> {
    await this.rounds.onApplicationShutdown();
    this.rounds = this.newRounds();
  }

  async end(): Promise<void> {
    await this.rounds.onApplicationShutdown();
  }

  private newRounds(): AlertRounds {
    const recipients = new AlertRecipients(this.channels);
    return new AlertRounds(
      new Leases(this.leases),
      this.services,
      this.deployed,
      { exists: (id: string) => Promise.resolve(this.pipelines.has(id)) } as PipelinesService,
      this.channels,
      this.alerts,
      new ServiceTeller(this.alerts, this.deployed, recipients),
      new MonitorTeller(this.services, this.alerts, recipients),
      new LeftTeller(this.alerts, this.failures),
    );
  }
}
