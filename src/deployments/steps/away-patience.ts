import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../common/values/error-message.js';
import type { Reason } from '../../engine/plan/run-state.js';
import { EngineAwayError } from '../../integrations/container-runtime/container-runtime.js';
import { TargetAwayError } from '../targets/deploy-target.js';

/** How long what is away is waited for, ms. */
export interface AwayLimits {
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** From when it was away first. */
  readonly limitMs: number;
}

const LIMITS: AwayLimits = { firstPauseMs: 250, longestPauseMs: 10_000, limitMs: 300_000 };

export type AwayResult<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** It has paused: to be asked again, by what is so then. */
  | { readonly kind: 'again' }
  | { readonly kind: 'over'; readonly reason: Reason };

/** Waits for an engine, a registry or a host that is away for a moment. */
export class AwayPatience {
  private pauseMs: number;
  private until: number | undefined;

  constructor(
    private readonly tell: (line: string) => void,
    private readonly signal: AbortSignal,
    private readonly limits: AwayLimits = LIMITS,
  ) {
    this.pauseMs = limits.firstPauseMs;
  }

  /** Rejects as the work does where nothing is away. */
  async ask<T>(work: () => Promise<T>): Promise<AwayResult<T>> {
    try {
      return { kind: 'done', value: await work() };
    } catch (error) {
      const reason = awayReason(error);
      if (reason === undefined) throw error;
      return this.paused(reason);
    }
  }

  private async paused(reason: Reason): Promise<AwayResult<never>> {
    const now = performance.now();
    if (this.until === undefined) this.tell(`it is tried again: ${reason.message}`);
    this.until ??= now + this.limits.limitMs;
    if (now >= this.until) return { kind: 'over', reason };
    const ms = Math.min(this.pauseMs, this.until - now);
    this.pauseMs = Math.min(this.pauseMs * 2, this.limits.longestPauseMs);
    // Whoever asks again looks at the signal.
    await delay(ms, undefined, { signal: this.signal }).catch(() => undefined);
    return { kind: 'again' };
  }
}

function awayReason(error: unknown): Reason | undefined {
  if (error instanceof TargetAwayError) return error.reason;
  if (!(error instanceof EngineAwayError)) return undefined;
  return { code: error.code, message: messageOf(error) };
}
