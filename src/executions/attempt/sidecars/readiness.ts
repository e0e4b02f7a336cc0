import type { Clock } from '../../../engine/runtime/run-ports.js';

export interface ProbeResult {
  readonly passed: boolean;
  /** What a probe that did not pass tells of it; `''` = nothing. */
  readonly said: string;
}

/** Counts probes that passed one after another: one alone can be chance, or a first start. */
export class Readiness {
  private row = 0;
  private last = '';

  constructor(private readonly needed: number) {}

  /** True: it is ready. */
  take({ passed, said }: ProbeResult): boolean {
    this.row = passed ? this.row + 1 : 0;
    if (!passed) this.last = said;
    return this.row >= this.needed;
  }

  /** Of the last probe that did not pass. */
  get said(): string {
    return this.last;
  }
}

export interface ReadyWatch {
  /** Rejects for a defect only. */
  probe(): Promise<ProbeResult>;
  /** Probes in a row that must pass. */
  readonly needed: number;
  /** From the end of a probe to the next one, ms. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** What ends the wait beside: the end of the container, an abort. */
  readonly over: Promise<'over'>;
}

export interface ReadyEnd {
  readonly kind: 'ready' | 'late' | 'over';
  /** What the last probe that did not pass told. */
  readonly said: string;
}

/** Probes until it is ready, the time is up, or `over`. A probe that hangs keeps nothing up. */
export async function untilReady(watch: ReadyWatch): Promise<ReadyEnd> {
  const { clock, intervalMs, timeoutMs, over } = watch;
  const readiness = new Readiness(watch.needed);
  const limit = timer(clock, timeoutMs, 'late' as const);
  const stop = Promise.race([limit.ends, over]);
  try {
    for (;;) {
      const result = await Promise.race([watch.probe(), stop]);
      if (typeof result === 'string') return { kind: result, said: readiness.said };
      if (readiness.take(result)) return { kind: 'ready', said: '' };
      const pause = timer(clock, intervalMs, undefined);
      const stopped = await Promise.race([pause.ends, stop]);
      pause.cancel();
      if (stopped !== undefined) return { kind: stopped, said: readiness.said };
    }
  } finally {
    limit.cancel();
  }
}

/** Resolves with `value` after a time, unless it is cancelled before. */
export function timer<T>(
  clock: Clock,
  ms: number,
  value: T,
): { readonly ends: Promise<T>; cancel(): void } {
  let cancel = (): void => undefined;
  const ends = new Promise<T>((resolve) => {
    cancel = clock.after(ms, () => resolve(value));
  });
  return { ends, cancel };
}
