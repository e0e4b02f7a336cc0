import type { Clock } from '../../engine/runtime/run-ports.js';

/**
 * The engine's clock in real life, one for each run. It reads the machine's clock once and
 * continues by monotonic time, so that a clock that is moved meanwhile makes no step an hour long,
 * and none shorter than nothing.
 */
export function steadyClock(): Clock {
  const origin = Date.now() - performance.now();
  return {
    now: () => Math.round(origin + performance.now()),
    after: (ms, callback) => {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
  };
}
