import { timedAs } from '../checks/instance-target.js';
import { newProbeState, probed, type ProbeState, unobserved } from '../checks/probe-state.js';
import type { ProbeResult } from '../checks/service-check.js';
import { type Beats, judge, type WatchedEndpoint } from '../checks/service-status.js';
import { changeId, type ServiceChange, type ServiceHealth } from '../record/watched-service.js';
import type { WatchedTarget } from './watched-target.js';

/** What a service is now, and what of it is to be stored. */
export interface WatchNews {
  readonly health: ServiceHealth;
  /** Undefined: the state of the service itself is what it was. */
  readonly change: ServiceChange | undefined;
}

/** Rounds of probes that may be missing before nobody has looked. */
const MISSED_PROBES = 2;

/**
 * One service as its monitor knows it. It has no clock and stores nothing: all times are given, in
 * milliseconds since 1970.
 */
export class ServiceWatch {
  private states = new Map<string, ProbeState>();
  /** When an endpoint was last looked at, or begun to be watched. */
  private readonly seenAt = new Map<string, number>();
  private beats: Beats = 'none';
  private heardAt: number;
  private stored: ServiceHealth | null;

  /** @param observedAt when its last monitor looked last; undefined: it has not been watched yet */
  constructor(
    private current: WatchedTarget,
    private readonly fence: number,
    now: number,
    observedAt?: number,
  ) {
    this.stored = current.health;
    this.heardAt = now;
    const known = new Map((current.health?.endpoints ?? []).map(({ url, ...rest }) => [url, rest]));
    for (const { url } of current.endpoints) {
      const before = known.get(url);
      this.states.set(url, before ? { ...before, streak: 0 } : newProbeState(now));
      this.seenAt.set(url, before && observedAt !== undefined ? observedAt : now);
    }
    this.beats = beatsAtFirst(current);
    this.tick(now);
  }

  get target(): WatchedTarget {
    return this.current;
  }

  /** Takes what was registered now; endpoints that stay keep their state. */
  change(target: WatchedTarget, now: number): void {
    const isOther = isChanged(target.check, this.current.check);
    const { states } = this;
    const checked = new Map(
      this.current.endpoints.map(({ url, instance }) => [url, instance?.check]),
    );
    this.states = new Map();
    for (const { url, instance } of target.endpoints) {
      // Another command under the name of one before is another check.
      const isSame = !isChanged(instance?.check, checked.get(url));
      const before = isSame ? states.get(url) : undefined;
      this.states.set(
        url,
        before ? { ...before, ...(isOther && { streak: 0 }) } : newProbeState(now),
      );
      if (!before) this.seenAt.set(url, now);
    }
    if (target.beat !== this.current.beat) this.heard(now);
    else if (target.ttlMs !== this.current.ttlMs) this.heardAt = now;
    // What is stopped sends none: behind its start it has its whole time.
    if (this.current.isStopped) this.heardAt = now;
    if (target.ttlMs === null) this.beats = 'none';
    else if (this.beats === 'none') this.beats = beatsAtFirst(target);
    this.current = target;
  }

  heard(now: number): void {
    this.heardAt = now;
    this.beats = 'heard';
  }

  probed(url: string, result: ProbeResult, now: number): void {
    const state = this.states.get(url);
    if (state === undefined) return;
    this.states.set(url, probed(state, this.current.check, result, now));
    this.seenAt.set(url, now);
  }

  /** Looks at what has not happened in time. */
  tick(now: number): void {
    const { check, ttlMs, endpoints } = this.current;
    for (const { url, instance } of endpoints) {
      const state = this.states.get(url);
      if (state === undefined) continue;
      const timed = timedAs(instance?.check, check);
      const patience = (MISSED_PROBES * timed.interval_seconds + timed.timeout_seconds) * 1000;
      const seenAt = this.seenAt.get(url) ?? now;
      if (now - seenAt > patience) this.states.set(url, unobserved(state, seenAt));
    }
    const isLate = ttlMs !== null && now - this.heardAt > ttlMs;
    if (isLate && this.beats === 'heard' && !this.current.isStopped) this.beats = 'missed';
  }

  /** Heartbeats may have come while nobody listened: they have their whole time again. */
  wasAway(now: number): void {
    this.heardAt = now;
  }

  /** What is to be stored now; undefined: nothing. It counts as stored. */
  news(now: number): WatchNews | undefined {
    const endpoints = this.endpoints();
    const judged = judge({
      isStopped: this.current.isStopped,
      problem: this.current.problem,
      beats: this.beats,
      endpoints,
    });
    const { stored } = this;
    const isChange = stored?.status !== judged.status;
    if (!isChange && stored !== null && isSame(stored, judged.reason.code, endpoints)) {
      return undefined;
    }
    const seq = (stored?.seq ?? 0) + (isChange ? 1 : 0);
    const at = new Date(judged.status === 'unknown' ? unknownSince(stored, endpoints, now) : now);
    const health: ServiceHealth = {
      ...judged,
      since: isChange || stored === null ? at : stored.since,
      ...{ endpoints, seq, fence: this.fence },
    };
    this.stored = health;
    if (!isChange) return { health, change: undefined };
    const service = this.current.id;
    const change: ServiceChange = {
      ...{ _id: changeId(service, seq), service, seq, from: stored?.status ?? null },
      ...{ to: judged.status, at, reason: judged.reason },
    };
    return { health, change };
  }

  private endpoints(): WatchedEndpoint[] {
    return [...this.states].map(([url, state]) => ({ url, ...state }));
  }
}

function isChanged(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}

function beatsAtFirst({ ttlMs, beat, health }: WatchedTarget): Beats {
  if (ttlMs === null) return 'none';
  if (beat === null) return 'awaited';
  return health?.reason.code === 'heartbeat_missed' ? 'missed' : 'heard';
}

/** Not before the change before. */
function unknownSince(
  stored: ServiceHealth | null,
  endpoints: readonly WatchedEndpoint[],
  now: number,
): number {
  const first = Math.min(now, ...endpoints.map(({ since }) => since));
  return Math.max(first, stored?.since.getTime() ?? 0);
}

/** Counts alone are not worth a write. */
function isSame(
  { reason, endpoints: before }: ServiceHealth,
  code: string,
  endpoints: readonly WatchedEndpoint[],
): boolean {
  return (
    reason.code === code &&
    before.length === endpoints.length &&
    endpoints.every((one, index) => {
      const other = before[index];
      return (
        other?.url === one.url &&
        other.status === one.status &&
        other.flapping === one.flapping &&
        other.problem?.code === one.problem?.code &&
        other.problem?.message === one.problem?.message
      );
    })
  );
}
