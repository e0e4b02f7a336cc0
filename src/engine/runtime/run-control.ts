import type { Reason } from '../plan/run-state.js';
import { reason } from './reasons.js';
import { LimitClock } from './limit-clock.js';
import type { StopRequest } from './run-ports.js';
import type { RunSession } from './run-session.js';
import { timeoutReason } from './step-attempt.js';
import type { StagesOutcome } from './run-hooks.js';

/** Milliseconds that hooks have after a cancel or a timeout, and at least otherwise. */
export const HOOKS_LIMIT_MS = 60_000;

/**
 * Turns what comes from outside (the abort signal, the limit of the execution) into stops of the
 * run's two halves.
 */
export class RunControl {
  private request: StopRequest | undefined;
  private readonly clock: LimitClock;
  private disarmHooks: () => void = () => undefined;
  private inHooks = false;
  /** For so long the stages ran, ms, and when they were over. */
  private hooksAfterMs = 0;
  private hooksSince = 0;
  private readonly onAbort = (): void => {
    this.session.guard(() => this.stop(stopRequest(this.signal.reason)));
    this.session.touch();
  };

  constructor(
    private readonly session: RunSession,
    private readonly signal: AbortSignal,
  ) {
    const limit = session.plan.timeoutMs;
    this.clock = new LimitClock(
      () => session.ports.clock.now(),
      (ms, callback) => session.after(ms, callback),
      limit,
      () =>
        session.work.stop({
          kind: 'timeout',
          scope: 'execution',
          reason: timeoutReason('execution', limit),
        }),
      session.request.continueFrom?.memory.ranMs,
    );
    this.clock.run();
    if (signal.aborted) this.onAbort();
    else signal.addEventListener('abort', this.onAbort, { once: true });
  }

  /** For so long the run ran, but for the time that it was suspended, ms. */
  get ranMs(): number {
    return this.clock.ranMs;
  }

  /** Masked. */
  get interruptReason(): Reason | undefined {
    return this.request?.kind === 'interrupt' ? this.request.reason : undefined;
  }

  get outcome(): StagesOutcome {
    if (this.request?.kind === 'cancel') return 'cancelled';
    if (this.session.work.cause?.kind === 'timeout') return 'timeout';
    return this.session.firstFailure === undefined ? 'success' : 'failed';
  }

  /** Why the run ended as it did; undefined for a success. */
  get outcomeReason(): Reason | undefined {
    if (this.request !== undefined) return this.request.reason;
    const { cause } = this.session.work;
    return cause?.kind === 'timeout' ? cause.reason : this.session.firstFailure?.reason;
  }

  /** The stages are over: the limit of the execution no longer counts. */
  beginHooks(): void {
    this.inHooks = true;
    this.hooksAfterMs = this.clock.ranMs;
    this.clock.stop();
    this.hooksSince = this.session.ports.clock.now();
  }

  /**
   * What a list of hooks may take that begins now: what is left of the execution's limit, but 60 s
   * at least; after a cancel 60 s.
   */
  hooksLimit(): number {
    if (this.outcome === 'cancelled') return HOOKS_LIMIT_MS;
    const ranMs = this.hooksAfterMs + (this.session.ports.clock.now() - this.hooksSince);
    const left = this.session.plan.timeoutMs - ranMs;
    return Math.max(HOOKS_LIMIT_MS, Math.min(left, this.session.plan.timeoutMs));
  }

  close(): void {
    this.clock.stop();
    this.disarmHooks();
    this.signal.removeEventListener('abort', this.onAbort);
  }

  private stop(request: StopRequest): void {
    const masked = { kind: request.kind, reason: this.session.maskReason(request.reason) };
    this.request = masked;
    this.session.work.stop(masked);
    if (masked.kind === 'interrupt') this.session.hooks.stop(masked);
    else if (this.inHooks) this.shortenHookDeadline();
  }

  /** A cancel while hooks run: they finish, within 60 s from now. */
  private shortenHookDeadline(): void {
    const why = timeoutReason('hooks', HOOKS_LIMIT_MS);
    this.disarmHooks = this.session.after(HOOKS_LIMIT_MS, () =>
      this.session.hooks.stop({ kind: 'timeout', scope: 'hooks', reason: why }),
    );
  }
}

/** The signal's reason; who aborts without a `StopRequest` interrupts. */
function stopRequest(value: unknown): StopRequest {
  if (typeof value === 'object' && value !== null && 'kind' in value && 'reason' in value) {
    return value as StopRequest;
  }
  return { kind: 'interrupt', reason: reason('interrupted', 'the run was interrupted') };
}
