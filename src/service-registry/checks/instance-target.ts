import type { InstanceCheck } from '../../engine/steps/deploy/deploy-action.js';
import type { ServiceCheck } from './service-check.js';

/** Begins the name by which a check of an instance stands among endpoints; no URL begins so. */
const PREFIX = 'check:';

/** By which the state of a check of an instance is kept, beside those of endpoints. */
export function checkUrl({ name }: Pick<InstanceCheck, 'name'>): string {
  return `${PREFIX}${name}`;
}

export function isCheckUrl(url: string): boolean {
  return url.startsWith(PREFIX);
}

/** For a sentence: `check queue-is-short`. */
export function shownTarget(url: string): string {
  return isCheckUrl(url) ? `check ${url.slice(PREFIX.length)}` : url;
}

/** A check of an instance has times of its own; the thresholds are those of the service. */
export function timedAs(check: InstanceCheck | undefined, service: ServiceCheck): ServiceCheck {
  if (check === undefined) return service;
  const { intervalMs, timeoutMs } = check;
  return { ...service, interval_seconds: intervalMs / 1000, timeout_seconds: timeoutMs / 1000 };
}

/**
 * As slow as the slowest of the checks of a service, its own and those of its instance: what has
 * to wait for all of them waits for this one.
 */
export function slowestCheck(
  service: ServiceCheck,
  checks: readonly InstanceCheck[],
): ServiceCheck {
  const all = [service, ...checks.map((one) => timedAs(one, service))];
  return {
    ...service,
    interval_seconds: Math.max(...all.map((one) => one.interval_seconds)),
    timeout_seconds: Math.max(...all.map((one) => one.timeout_seconds)),
  };
}
