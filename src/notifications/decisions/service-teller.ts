import { Injectable } from '@nestjs/common';
import { failPoint } from '../../common/fail-point.js';
import { cutText } from '../../common/values/cut-text.js';
import { timeToFail, timeToPass } from '../../service-registry/checks/service-check.js';
import type { ServiceStatus } from '../../service-registry/checks/service-status.js';
import { DeployedServices, type ServiceSwitch } from '../../service-registry/deployed-services.js';
import { allNeeds, rootsOf } from '../../service-registry/dependencies/dependency-graph.js';
import { endOf } from '../../service-registry/record/maintenance.js';
import type {
  ServiceChange,
  WatchedService,
} from '../../service-registry/record/watched-service.js';
import {
  type AfterDeployment,
  type Alert,
  alertId,
  type AlertReason,
  isOfExecution,
  MOST_FOLLOWERS,
  withDeliveries,
} from '../alerts/alert.js';
import { type AlertState, newState } from '../alerts/alert-state.js';
import { AlertStore } from '../alerts/alert-store.js';
import { changeAlert } from '../alerts/change-alert.js';
import { AlertRecipients, deliveryTo } from './alert-recipients.js';
import type { RoundView } from './round-view.js';
import { isBad, lastWithin, quietOf, type QuietTime, verdictOn, waitForRoots } from './verdict.js';

/** A message of an alert is cut after so many characters. */
export const MOST_MESSAGE = 1_000;
/** A deployment is named as what a change came after for so long, ms. */
export const AFTER_DEPLOYMENT_MS = 3_600_000;

/** What is down below a service, by what is known of it. */
type Cause =
  | { readonly kind: 'wait' }
  /** `told`: alerts of these; none: nobody is told of what is down, so it is named only. */
  | { readonly kind: 'known'; readonly told: readonly string[]; readonly named: readonly string[] };

/**
 * Decides of each change of a service, in order, whether somebody is told. What it decides is
 * stored under ids that follow from the change, before the change counts as decided: where this
 * process is killed, the next one decides the same again, and nothing is there twice.
 */
@Injectable()
export class ServiceTeller {
  constructor(
    private readonly store: AlertStore,
    private readonly deployed: DeployedServices,
    private readonly recipients: AlertRecipients,
  ) {}

  /** @param now milliseconds since 1970 */
  async tell(view: RoundView, service: WatchedService, now: number): Promise<void> {
    const known = view.states.get(service.id);
    if (known === undefined) {
      await this.store.saveState(newState(service));
      return;
    }
    const { health } = service;
    if (health === null) return;
    const state = health.seq > known.seq ? await this.decide(view, service, known, now) : known;
    if (state.held !== null && state.held === health.seq) {
      await this.lookAgain(view, service, state, now);
    }
  }

  private async decide(
    view: RoundView,
    service: WatchedService,
    known: AlertState,
    now: number,
  ): Promise<AlertState> {
    const changes = await view.changesAfter(service._id, known.seq);
    if (changes.length === 0) return known;
    const switches = await this.deployed.switches(service._id);
    const quiet = await this.quietTimes(view, service, switches, now);
    let state = known;
    for (const [index, change] of changes.entries()) {
      const isQuiet = quietOf(change, changes.slice(index + 1), quiet);
      if (isQuiet === 'wait') break;
      const next =
        isQuiet === 'replaced'
          ? state
          : await this.next(view, service, { state, change, switches, now });
      if (next === undefined) break;
      state = { ...next, seq: change.seq };
    }
    return this.save(known, state);
  }

  /** @returns undefined: it cannot be decided yet */
  private async next(
    view: RoundView,
    service: WatchedService,
    at: {
      readonly state: AlertState;
      readonly change: ServiceChange;
      readonly switches: readonly ServiceSwitch[];
      readonly now: number;
    },
  ): Promise<AlertState | undefined> {
    const { state, change, switches, now } = at;
    const verdict = verdictOn(state.told, change.to);
    if (verdict === 'skip') return state;
    const settled = { ...state, told: change.to, held: null };
    if (verdict === 'settle') return settled;
    const id = alertId(service.id, change.seq);
    const isTold = (await this.store.find(id)) !== undefined;
    let causedBy: readonly string[] = [];
    if (!isTold && isBad(change.to)) {
      const cause = await this.causeOf(view, service, change, now);
      if (cause.kind === 'wait') return undefined;
      if (cause.told.length > 0) {
        for (const root of cause.told) await this.follow(view, service, change, root, now);
        return { ...state, held: change.seq };
      }
      causedBy = cause.named;
    }
    if (!isTold) {
      const alert = { service, change, causedBy, after: afterDeployment(change, switches) };
      await this.insert(view, state, alert, now);
    }
    return { ...settled, alert: id };
  }

  private async insert(
    view: RoundView,
    state: AlertState,
    told: {
      readonly service: WatchedService;
      readonly change: ServiceChange;
      readonly causedBy: readonly string[];
      readonly after: AfterDeployment | null;
    },
    now: number,
  ): Promise<void> {
    const { service, change, causedBy, after } = told;
    // Whoever heard of the beginning hears of the end, also those who only need this service.
    const before = state.alert === null ? undefined : await this.store.find(state.alert);
    const own = view.channelsOf(service).map((channel) => deliveryTo(channel, now));
    const others = (before?.deliveries ?? [])
      .filter(({ channel }) => !channel.startsWith(`${service.id}:`))
      .map((one) => ({ ...one, ...FRESH, next_at: new Date(now) }));
    const alert: Alert = {
      ...{ _id: alertId(service.id, change.seq), subject: service.id, kind: 'service' },
      ...{ service: service._id, from: state.told, to: change.to, at: change.at },
      ...{ reason: reasonOf(change, after), after_deployment: after, caused_by: causedBy },
      ...{ followers: [], deliveries: [], due_at: null, created_at: new Date(now), version: 1 },
    };
    await this.store.insert(withDeliveries(alert, [...own, ...others]));
    failPoint('alert_stored');
  }

  /** What of all that it needs was down when it became so. */
  private async causeOf(
    view: RoundView,
    service: WatchedService,
    { at }: ServiceChange,
    now: number,
  ): Promise<Cause> {
    const { _id: id, check } = service;
    const needed = allNeeds(id, view.needs).flatMap((one) => view.services.get(one) ?? []);
    if (needed.length === 0) return { kind: 'known', told: [], named: [] };
    const until =
      at.getTime() +
      waitForRoots(check, await Promise.all(needed.map((one) => view.slowestCheck(one))));
    if (now < until) return { kind: 'wait' };
    const from = at.getTime() - timeToFail(await view.slowestCheck(service));
    const down = new Map<string, ServiceChange>();
    for (const one of needed) {
      const changes = await view.changesOf(one._id);
      const found = lastWithin(changes, ['failed', 'stopped'], from, until);
      if (found) down.set(one._id, found);
    }
    const told: string[] = [];
    const named: string[] = [];
    for (const root of rootsOf(id, view.needs, (one) => down.has(one))) {
      const change = down.get(root);
      const alert = change && (await this.alertOf(view, root, change, now));
      if (alert === 'wait') return { kind: 'wait' };
      if (alert === undefined) named.push(root);
      else told.push(alert);
    }
    return { kind: 'known', told, named };
  }

  /** Id of the alert that tells of it; undefined: none does; `wait`: that is not decided yet. */
  private async alertOf(
    view: RoundView,
    root: string,
    { seq, to, at }: ServiceChange,
    now: number,
  ): Promise<string | undefined> {
    const service = view.services.get(root);
    if (service === undefined || to !== 'failed') return undefined;
    // What was decided of the root a moment ago is not in the view.
    const state = (await this.store.states()).get(service.id);
    const own = alertId(service.id, seq);
    if (await this.store.find(own)) return own;
    if (state === undefined) return 'wait';
    if (state.told === 'failed' && state.alert !== null) return state.alert;
    if (state.seq >= seq) return undefined;
    const switches = await this.deployed.switches(root);
    const quiet = await this.quietTimes(view, service, switches, now);
    return quietOf({ at }, [], quiet) === 'wait' ? undefined : 'wait';
  }

  private async follow(
    view: RoundView,
    service: WatchedService,
    { to: status, at }: ServiceChange,
    root: string,
    now: number,
  ): Promise<void> {
    const alert = await this.store.find(root);
    if (alert === undefined) return;
    const known = alert.deliveries.map(({ channel }) => channel);
    const others = await this.recipients.others(view.channelsOf(service), known);
    const withOthers = <A extends Alert>(seen: A): A => {
      const there = new Set(seen.deliveries.map(({ channel }) => channel));
      const more = others.filter(({ _id }) => !there.has(_id));
      const deliveries = more.map((channel) => deliveryTo(channel, now));
      return withDeliveries(seen, [...seen.deliveries, ...deliveries]);
    };
    await changeAlert(this.store, root, (seen) => {
      if (isOfExecution(seen)) return undefined;
      const isNamed = seen.followers.some((one) => one.service === service._id && +one.at === +at);
      const more = isNamed ? [] : [{ service: service._id, status, at }];
      const followers = [...seen.followers, ...more].slice(0, MOST_FOLLOWERS);
      return withOthers({ ...seen, followers });
    });
    // What was told of the root since then, its end above all, they have to hear as well.
    const { items } = await this.store.page(alert.subject, { limit: MOST_SINCE });
    for (const { _id } of items.filter((one) => one._id > root).reverse()) {
      await changeAlert(this.store, _id, withOthers);
    }
  }

  /** One that followed from another service is told by itself when that one is well again. */
  private async lookAgain(
    view: RoundView,
    service: WatchedService,
    state: AlertState,
    now: number,
  ): Promise<void> {
    const isDown = (id: string): boolean => view.services.get(id)?.health?.status === 'failed';
    if (rootsOf(service._id, view.needs, isDown).length > 0) return;
    const since = Math.max(
      0,
      ...allNeeds(service._id, view.needs).map(
        (id) => view.services.get(id)?.health?.since.getTime() ?? 0,
      ),
    );
    const slowest = await view.slowestCheck(service);
    const patience = timeToPass(slowest) + slowest.interval_seconds * 1000;
    if (now < since + patience) return;
    const switches = await this.deployed.switches(service._id);
    const quiet = await this.quietTimes(view, service, switches, now);
    if (quietOf({ at: new Date(now) }, [], quiet) === 'wait') return;
    const change = (await view.changesOf(service._id)).find(({ seq }) => seq === state.held);
    if (change === undefined || !isBad(change.to)) return;
    const after = afterDeployment(change, switches);
    await this.insert(view, state, { service, change, causedBy: [], after }, now);
    const alert = alertId(service.id, change.seq);
    await this.save(state, { ...state, told: change.to, alert, held: null });
  }

  /** Maintenance, and deployments from their switch until all checks have seen what came of it. */
  private async quietTimes(
    view: RoundView,
    service: WatchedService,
    switches: readonly ServiceSwitch[],
    now: number,
  ): Promise<readonly QuietTime[]> {
    const seenMs = timeToFail(await view.slowestCheck(service));
    const isOver = (until: number): number | null => (until <= now ? until : null);
    const { windows } = service.maintenance;
    return [
      ...windows.map((one) => ({ from: one.from.getTime(), until: isOver(endOf(one)) })),
      ...switches.map(({ from, until }) => ({
        from: from.getTime(),
        until: until === null ? null : isOver(until.getTime() + seenMs),
      })),
    ];
  }

  /** What another process has stored meanwhile stays: the next round begins with it. */
  private async save(known: AlertState, next: AlertState): Promise<AlertState> {
    if (next === known) return known;
    const state = { ...next, version: known.version + 1 };
    return (await this.store.saveState(state)) ? state : known;
  }
}

/** Alerts of a root after the one that something follows from. */
const MOST_SINCE = 20;
const FRESH = { state: 'pending', attempts: 0, tried_at: null, reason: null } as const;

function afterDeployment(
  { to, at }: ServiceChange,
  switches: readonly ServiceSwitch[],
): AfterDeployment | null {
  if (!isBad(to)) return null;
  const serving = switches.find(({ isServing }) => isServing);
  const ms = at.getTime() - (serving?.from.getTime() ?? Infinity);
  if (serving === undefined || ms < 0 || ms > AFTER_DEPLOYMENT_MS) return null;
  const seconds = Math.round(ms / 1000);
  return { deployment_id: serving.deploymentId, at: serving.from, seconds };
}

function reasonOf(
  { reason: { code, message }, to }: ServiceChange,
  after: AfterDeployment | null,
): AlertReason {
  const shown = cutText(message, MOST_MESSAGE);
  return { code, message: after === null ? shown : `${shown}; ${afterText(to, after)}` };
}

function afterText(to: ServiceStatus, { deployment_id: id, at, seconds }: AfterDeployment): string {
  const time = `${at.toISOString().slice(11, 16)} UTC`;
  const minutes = Math.round(seconds / 60);
  const later =
    seconds < 90 ? `${seconds} seconds` : minutes === 1 ? '1 minute' : `${minutes} minutes`;
  return `${to} since the deployment ${id} of ${time}, ${later} after it`;
}
