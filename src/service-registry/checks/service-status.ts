import type { Reason } from '../../engine/plan/run-state.js';
import { isCheckUrl, shownTarget } from './instance-target.js';
import type { ProbeState } from './probe-state.js';

export const SERVICE_STATUSES = [
  'starting',
  'running',
  'degraded',
  'stopped',
  'failed',
  'unknown',
] as const;
/**
 * `degraded`: some endpoints fail, or one changes too often; `unknown`: nobody has looked, so the
 * time counts neither as up nor as down.
 */
export type ServiceStatus = (typeof SERVICE_STATUSES)[number];

export interface WatchedEndpoint extends ProbeState {
  readonly url: string;
}

/** What is known of the heartbeats of a service; `none`: it need not send any. */
export type Beats = 'none' | 'awaited' | 'heard' | 'missed';

export interface Observed {
  readonly isStopped: boolean;
  /** Known against it, whatever its endpoints answer; null: nothing. */
  readonly problem: Reason | null;
  readonly beats: Beats;
  /** With the checks of the instance itself, see `checkUrl`. */
  readonly endpoints: readonly WatchedEndpoint[];
}

export interface Judgement {
  readonly status: ServiceStatus;
  readonly reason: Reason;
}

/** Reasons of the status of a service, and what each means. docs/reasons.md explains each. */
export const SERVICE_REASONS = {
  checks_pass: 'all endpoints pass',
  endpoints_failed: 'endpoints fail',
  instance_failed: 'a check of the instance itself fails',
  flapping: 'an endpoint changes between passing and failing too often',
  not_decided: 'the checks have not decided yet',
  heartbeat_heard: 'heartbeats come in time',
  heartbeat_missed: 'no heartbeat came in time',
  heartbeat_awaited: 'no heartbeat has come yet',
  not_observed: 'nobody has looked: the monitor was away or held up',
  not_checked: 'nothing checks it: this is what its deployment says',
  release_failed: 'its release failed while it was watched, and did not go back',
  restarts_used_up: 'its instance ended too often, and is not started again by itself',
  stopped: 'it was stopped',
  unserved: 'nothing of it has served yet',
} as const;
export type ServiceReasonCode = keyof typeof SERVICE_REASONS;

/** A reason names so many endpoints. */
const MOST_NAMED = 10;

/** The status of a service, by all that is known of it. */
export function judge({ isStopped, problem, beats, endpoints }: Observed): Judgement {
  if (isStopped) return { status: 'stopped', reason: reason('stopped', 'it was stopped') };
  if (problem !== null) return { status: 'failed', reason: problem };
  if (beats === 'missed') {
    return { status: 'failed', reason: reason('heartbeat_missed', 'no heartbeat came in time') };
  }
  if (endpoints.length === 0) return byBeats(beats);
  const byStatus = (status: ProbeState['status']): readonly WatchedEndpoint[] =>
    endpoints.filter((one) => one.status === status);
  const failed = byStatus('failed');
  // One that flaps is told once, in the words of all that flap.
  const broken = failed.filter(({ url, flapping: isFlapping }) => isCheckUrl(url) && !isFlapping);
  if (broken.length > 0) return { status: 'failed', reason: instanceFailure(broken) };
  const flapping = endpoints.find((one) => one.flapping && one.status !== 'unknown');
  if (flapping) return { status: 'degraded', reason: flaps(flapping) };
  const running = byStatus('running');
  if (failed.length > 0) {
    const isAll = running.length === 0 && byStatus('starting').length === 0;
    return { status: isAll ? 'failed' : 'degraded', reason: failure(failed, endpoints.length) };
  }
  if (running.length > 0) return passing(running.length, endpoints, beats);
  if (byStatus('starting').length > 0) {
    return { status: 'starting', reason: reason('not_decided', SERVICE_REASONS.not_decided) };
  }
  const since = Math.min(...endpoints.map((e) => e.since));
  const held = endpoints.find(({ url, problem }) => isCheckUrl(url) && problem !== null);
  return { status: 'unknown', reason: notObserved(since, held) };
}

/** @param since milliseconds since 1970 @param held why nobody could look; undefined: not known */
export function notObserved(
  since: number,
  held?: Pick<WatchedEndpoint, 'url' | 'problem'>,
): Reason {
  const time = new Date(since).toISOString();
  const why = held?.problem ? `; ${shownTarget(held.url)}: ${held.problem.message}` : '';
  return reason('not_observed', `nobody has looked since ${time}${why}`, { since: time });
}

function byBeats(beats: Beats): Judgement {
  switch (beats) {
    case 'heard':
      return { status: 'running', reason: reason('heartbeat_heard', 'heartbeats come in time') };
    case 'awaited':
      return {
        status: 'starting',
        reason: reason('heartbeat_awaited', 'no heartbeat has come yet'),
      };
    case 'missed':
      return { status: 'failed', reason: reason('heartbeat_missed', 'no heartbeat came in time') };
    case 'none':
      return { status: 'unknown', reason: reason('not_checked', SERVICE_REASONS.not_checked) };
  }
}

function passing(running: number, endpoints: readonly WatchedEndpoint[], beats: Beats): Judgement {
  if (beats === 'awaited') return byBeats('awaited');
  const all = endpoints.length;
  const what = endpoints.some(({ url }) => isCheckUrl(url)) ? 'checks' : 'endpoints';
  const which = running === all ? `all ${what} pass` : `${running} of ${all} ${what} pass`;
  return { status: 'running', reason: reason('checks_pass', which, { passing: running, all }) };
}

function failure(failed: readonly WatchedEndpoint[], all: number): Reason {
  const [first] = failed;
  const why = first?.problem?.message ?? 'it fails';
  const count = failed.length === all ? 'all' : `${failed.length} of ${all}`;
  return reason('endpoints_failed', `${count} endpoints fail; ${first?.url ?? ''}: ${why}`, {
    failed: failed.slice(0, MOST_NAMED).map(({ url, problem }) => ({
      ...{ url, code: problem?.code ?? null, message: problem?.message ?? null },
    })),
    count: failed.length,
    all,
  });
}

/** One of them is enough: what answers at its address is the instance that is broken. */
function instanceFailure(failed: readonly WatchedEndpoint[]): Reason {
  const [first] = failed;
  const why = first?.problem?.message ?? 'it fails';
  return reason('instance_failed', `${shownTarget(first?.url ?? '')} fails: ${why}`, {
    failed: failed.slice(0, MOST_NAMED).map(({ url, problem }) => ({
      ...{ check: url, code: problem?.code ?? null, message: problem?.message ?? null },
    })),
    count: failed.length,
  });
}

/** Always in the same words: it is told once, however often it changes. */
function flaps({ url }: WatchedEndpoint): Reason {
  return reason('flapping', `${shownTarget(url)} changes between passing and failing too often`, {
    url,
  });
}

function reason(code: ServiceReasonCode, message: string, data?: Reason['data']): Reason {
  return data === undefined ? { code, message } : { code, message, data };
}
