export interface SilenceWatch {
  heard(): void;
  stop(): void;
}

/** Calls `onSilence` once per silence of `limitMs`, by the monotonic clock. */
export function watchSilence(limitMs: number, onSilence: () => void): SilenceWatch {
  const interval = Math.min(1000, limitMs / 8);
  let heardAt = performance.now();
  let checkedAt = heardAt;
  let isReported = false;
  const timer = setInterval(() => {
    const now = performance.now();
    // We were stopped ourselves, or the machine slept: what the other said meanwhile is still
    // unread.
    if (now - checkedAt > 3 * interval) heardAt = Math.max(heardAt, now - limitMs / 2);
    checkedAt = now;
    if (isReported || now - heardAt < limitMs) return;
    isReported = true;
    onSilence();
  }, interval);
  return {
    heard: () => {
      heardAt = performance.now();
      isReported = false;
    },
    stop: () => clearInterval(timer),
  };
}
