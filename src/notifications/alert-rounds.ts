import { Injectable } from '@nestjs/common';
import { BackgroundRounds } from '../integrations/database/background-rounds.js';
import type { HeldLease } from '../leases/held-lease.js';
import { Leases } from '../leases/leases.js';
import { PipelinesService } from '../pipelines/definitions/pipelines.service.js';
import { DeployedServices } from '../service-registry/deployed-services.js';
import { ServiceStore } from '../service-registry/record/service-store.js';
import { AlertStore } from './alerts/alert-store.js';
import { type Channel, isOfPipeline, isOfService } from './channels/channel.js';
import { ChannelStore } from './channels/channel-store.js';
import { AlertSender } from './delivery/alert-sender.js';
import { LeftTeller } from './decisions/left-teller.js';
import { MonitorTeller } from './decisions/monitor-teller.js';
import { RoundView } from './decisions/round-view.js';
import { ServiceTeller } from './decisions/service-teller.js';

const ROUND_MS = 2_000;
/** Another process does it when nothing was heard of this one for so long. */
const TURN_MS = 15_000;
const SWEEP_MS = 3_600_000;
/** Alerts are kept for so long, ms. */
export const ALERTS_KEPT_MS = 90 * 86_400_000;

/** Something that one process of the installation does at a time, round after round. */
abstract class OneAtATime extends BackgroundRounds {
  private lease: HeldLease | undefined;

  protected constructor(
    private readonly leases: Leases,
    private readonly leaseName: string,
  ) {
    super({ everyMs: ROUND_MS, firstAfterMs: 1_000, unref: true });
  }

  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    const { lease } = this;
    this.lease = undefined;
    if (lease === undefined || lease.isLost) return;
    try {
      await lease.release();
    } catch (error) {
      this.logger.debug({ err: error }, 'the turn was not given back; it runs out by itself');
    }
  }

  protected async work(now: number): Promise<void> {
    if (!(await this.isAnything(now))) return;
    if (this.lease?.isLost !== false) {
      this.lease = await this.leases.take(this.leaseName, TURN_MS);
    }
    const { lease } = this;
    if (lease) await this.workUnder(() => lease.isLost || this.isStopping, now);
  }

  /** Where nothing is to be done, no process takes the turn. */
  protected abstract isAnything(now: number): Promise<boolean>;
  protected abstract workUnder(isOver: () => boolean, now: number): Promise<void>;
}

/** Decides again and again who is told what. */
@Injectable()
export class AlertRounds extends OneAtATime {
  private sweptAt = -Infinity;

  constructor(
    leases: Leases,
    private readonly services: ServiceStore,
    private readonly deployed: DeployedServices,
    private readonly pipelines: PipelinesService,
    private readonly channels: ChannelStore,
    private readonly alerts: AlertStore,
    private readonly teller: ServiceTeller,
    private readonly monitors: MonitorTeller,
    private readonly left: LeftTeller,
  ) {
    super(leases, 'alerts');
  }

  protected async isAnything(): Promise<boolean> {
    return (await this.channels.all()).length > 0 || (await this.alerts.states()).size > 0;
  }

  protected async workUnder(isOver: () => boolean, now: number): Promise<void> {
    // In this order: whoever makes a channel stores it before its state.
    const states = await this.alerts.states();
    const channels = (await this.channels.all()).filter(isOfService);
    const view = await RoundView.load(this.services, this.deployed, channels, states);
    await this.monitors.tell(view, now);
    const subjects = new Set<string>();
    for (const service of view.inOrder()) {
      if (isOver()) return;
      subjects.add(service.id);
      await this.teller.tell(view, service, now);
      await this.left.tell(view, service, now);
    }
    // Of whom nobody hears any more: it begins again when somebody wants to.
    for (const subject of view.states.keys()) {
      if (!subjects.has(subject)) await this.alerts.removeState(subject);
    }
    if (now - this.sweptAt < SWEEP_MS) return;
    await this.sweep(view, now);
    this.sweptAt = now;
  }

  /** Alerts at their age, and channels of services and pipelines that there are no more. */
  private async sweep(view: RoundView, now: number): Promise<void> {
    await this.alerts.removeBefore(new Date(now - ALERTS_KEPT_MS));
    for (const channel of await this.channels.all()) {
      if (!(await this.isOfSomething(view, channel))) await this.channels.remove(channel._id);
    }
  }

  private async isOfSomething(view: RoundView, channel: Channel): Promise<boolean> {
    const { subject } = channel;
    if (isOfPipeline(channel)) return this.pipelines.exists(subject);
    const { service } = channel;
    if (view.services.get(service)?.id === subject) return true;
    if ((await this.services.find(service))?.id === subject) return true;
    return (await this.deployed.find(service))?.uuid === subject;
  }
}

/** Sends again and again what is due. */
@Injectable()
export class AlertSending extends OneAtATime {
  constructor(
    leases: Leases,
    private readonly alerts: AlertStore,
    private readonly sender: AlertSender,
  ) {
    super(leases, 'alerts.sending');
  }

  protected async isAnything(now: number): Promise<boolean> {
    return (await this.alerts.due(new Date(now), 1)).length > 0;
  }

  protected async workUnder(isOver: () => boolean): Promise<void> {
    await this.sender.send(isOver);
  }
}
