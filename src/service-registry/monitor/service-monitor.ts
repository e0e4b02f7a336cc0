import { timedAs } from '../checks/instance-target.js';
import type { ServiceCheck } from '../checks/service-check.js';
import type { RawRow } from '../history/health-rows.js';
import type { Prober, ProbeTarget } from '../probing/prober.js';
import { ProbePlaces } from './probe-places.js';
import { ServiceWatch, type WatchNews } from './service-watch.js';
import { StallWatch } from './stall-watch.js';
import type { WatchedTarget } from './watched-target.js';

/** Where a monitor tells what it sees. */
export interface MonitorListener {
  news(service: string, news: WatchNews): void;
  /** A probe that counts. */
  row(service: string, row: RawRow): void;
}

export interface MonitorOptions {
  readonly prober: Prober;
  readonly listener: MonitorListener;
  /** Of the lease under which it watches. */
  readonly fence: number;
  /** When the monitor before looked last, milliseconds since 1970. */
  readonly observedAt?: number | undefined;
  /** Probes of endpoints at the same time. */
  readonly atOnce?: number;
  /** Looks into instances at the same time. */
  readonly instancesAtOnce?: number;
}

const MOST_AT_ONCE = 64;
/** Of their own: an engine that hangs holds each of them for a minute, and blinds nothing else. */
const MOST_INSTANCES_AT_ONCE = 32;
const TICK_MS = 1_000;
/** Multiples of it, without their whole part, lie as far from each other as they can. */
const GOLDEN = 0.618_033_988_749_895;

interface Schedule {
  target: ProbeTarget;
  readonly intervalMs: number;
  /** performance.now of the next probe. */
  dueAt: number;
  timer: NodeJS.Timeout | undefined;
  isRunning: boolean;
}

/**
 * Asks the endpoints of some services, each at its interval, no two at the same moment, and tells
 * what becomes of them. A probe that was under way while this process was held up does not count,
 * and one that could not begin in time is left out: the time is not observed then.
 */
export class ServiceMonitor {
  private readonly watches = new Map<string, ServiceWatch>();
  private readonly schedules = new Map<string, Map<string, Schedule>>();
  private readonly stalls = new StallWatch();
  private readonly ofEndpoints: ProbePlaces;
  private readonly ofInstances: ProbePlaces;
  private tick: NodeJS.Timeout | undefined;
  private tickedAt = performance.now();
  private places = 0;
  private isStopped = false;

  constructor(private readonly options: MonitorOptions) {
    const { atOnce = MOST_AT_ONCE, instancesAtOnce = MOST_INSTANCES_AT_ONCE } = options;
    this.ofEndpoints = new ProbePlaces(atOnce);
    this.ofInstances = new ProbePlaces(instancesAtOnce);
  }

  /** Number of endpoints that are asked. */
  get size(): number {
    return [...this.schedules.values()].reduce((sum, each) => sum + each.size, 0);
  }

  start(): void {
    this.stalls.start();
    this.tick = setInterval(() => this.look(), TICK_MS);
    this.tick.unref();
  }

  /** Nothing is told any more, also not of probes that are under way. */
  stop(): void {
    this.isStopped = true;
    this.stalls.stop();
    clearInterval(this.tick);
    for (const schedules of this.schedules.values()) {
      for (const { timer } of schedules.values()) clearTimeout(timer);
    }
  }

  has(service: string): boolean {
    return this.watches.has(service);
  }

  /** Watches a service, or takes what changed of it. */
  watch(target: WatchedTarget): void {
    if (this.isStopped) return;
    const known = this.watches.get(target.id);
    if (known) known.change(target, Date.now());
    else {
      const { fence, observedAt } = this.options;
      this.watches.set(target.id, new ServiceWatch(target, fence, Date.now(), observedAt));
    }
    this.plan(target);
    this.tell(target.id);
  }

  /** A heartbeat has come. */
  heard(service: string): void {
    this.watches.get(service)?.heard(Date.now());
    this.tell(service);
  }

  /** Watches it no more. */
  forget(service: string): void {
    this.watches.delete(service);
    for (const { timer } of this.schedules.get(service)?.values() ?? []) clearTimeout(timer);
    this.schedules.delete(service);
  }

  private plan(target: WatchedTarget): void {
    const { id, check, endpoints } = target;
    const wanted = new Map(endpoints.map((one) => [one.url, one]));
    const schedules = this.schedules.get(id) ?? new Map<string, Schedule>();
    this.schedules.set(id, schedules);
    for (const [url, { timer, intervalMs }] of schedules) {
      const one = wanted.get(url);
      if (one && intervalOf(one, check) === intervalMs) continue;
      clearTimeout(timer);
      schedules.delete(url);
    }
    for (const endpoint of endpoints) {
      const known = schedules.get(endpoint.url);
      if (known?.target.isOwn === endpoint.isOwn) {
        known.target = endpoint;
        continue;
      }
      clearTimeout(known?.timer);
      const intervalMs = intervalOf(endpoint, check);
      const schedule: Schedule = {
        ...{
          target: endpoint,
          intervalMs,
          dueAt: this.firstDue(intervalMs),
          timer: undefined,
          isRunning: false,
        },
      };
      schedules.set(endpoint.url, schedule);
      this.arm(id, schedule);
    }
  }

  /** Each next one at another place within its interval. */
  private firstDue(intervalMs: number): number {
    this.places = (this.places + GOLDEN) % 1;
    return performance.now() + this.places * intervalMs;
  }

  private arm(service: string, schedule: Schedule): void {
    const wait = Math.max(0, schedule.dueAt - performance.now());
    schedule.timer = setTimeout(() => this.due(service, schedule), wait);
    schedule.timer.unref();
  }

  private due(service: string, schedule: Schedule): void {
    const watch = this.watches.get(service);
    if (this.isStopped || watch === undefined) return;
    const { intervalMs } = schedule;
    // From one place within the interval to the same place of the next: what is late is left out.
    const late = Math.floor((performance.now() - schedule.dueAt) / intervalMs);
    schedule.dueAt += (Math.max(0, late) + 1) * intervalMs;
    this.arm(service, schedule);
    if (schedule.isRunning) return;
    schedule.isRunning = true;
    const check = timedAs(schedule.target.instance?.check, watch.target.check);
    void this.probe(service, schedule, check).finally(() => {
      schedule.isRunning = false;
    });
  }

  private async probe(service: string, schedule: Schedule, check: ServiceCheck): Promise<void> {
    const wantedAt = performance.now();
    const places = schedule.target.instance ? this.ofInstances : this.ofEndpoints;
    await places.within(async () => {
      const isLate = performance.now() - wantedAt > (check.interval_seconds * 1000) / 2;
      if (!this.isStopped && !isLate) await this.ask(service, schedule, check);
    });
  }

  private async ask(service: string, { target }: Schedule, check: ServiceCheck): Promise<void> {
    const [at, startedAt] = [Date.now(), performance.now()];
    const result = await this.options.prober.probe(target, check);
    const watch = this.watches.get(service);
    if (this.isStopped || watch === undefined || this.stalls.sinceStalled(startedAt)) return;
    const tookMs = performance.now() - startedAt;
    const intervalMs = check.interval_seconds * 1000;
    // Where nobody has looked for too long, that is told before the answer changes it again.
    watch.tick(Date.now());
    this.tell(service);
    watch.probed(target.url, result, Date.now());
    if (result.ok === null) return this.tell(service);
    const failure = result.ok ? null : result.code;
    this.options.listener.row(service, { url: target.url, at, tookMs, failure, intervalMs });
    this.tell(service);
  }

  private look(): void {
    const now = performance.now();
    const wasAway = this.stalls.sinceStalled(this.tickedAt);
    this.tickedAt = now;
    for (const [service, watch] of this.watches) {
      if (wasAway) watch.wasAway(Date.now());
      watch.tick(Date.now());
      this.tell(service);
    }
  }

  private tell(service: string): void {
    if (this.isStopped) return;
    const news = this.watches.get(service)?.news(Date.now());
    if (news) this.options.listener.news(service, news);
  }
}

function intervalOf({ instance }: ProbeTarget, check: ServiceCheck): number {
  return timedAs(instance?.check, check).interval_seconds * 1000;
}
