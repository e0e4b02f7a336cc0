import type { Clock } from '../engine/runtime/run-ports.js';

/** The engine's clock in real life. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
