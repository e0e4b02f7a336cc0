import type { Reason } from '../plan/run-state.js';

/** Why something that runs has to end before its time. */
export type StopCause =
  | { readonly kind: 'cancel' | 'interrupt'; readonly reason: Reason }
  /** It has not begun and need not any more. */
  | { readonly kind: 'skip'; readonly reason: Reason }
  /** A time limit passed; `scope` says whose. */
  | { readonly kind: 'timeout'; readonly scope: TimeoutScope; readonly reason: Reason };

export type TimeoutScope = 'step' | 'stage' | 'execution' | 'hooks';

/**
 * A tree of things that can be stopped: execution, stage, step, attempt. Stopping a scope stops
 * everything below it, the deepest first told what was registered first. The first cause stays;
 * later ones are ignored.
 */
export class StopScope {
  private firstCause: StopCause | undefined;
  private readonly listeners = new Set<(cause: StopCause) => void>();
  private readonly leave: () => void;

  constructor(parent?: StopScope) {
    this.leave =
      parent === undefined ? () => undefined : parent.onStop((cause) => this.stop(cause));
  }

  /** Why it was stopped; absent while it may continue. */
  get cause(): StopCause | undefined {
    return this.firstCause;
  }

  stop(cause: StopCause): void {
    if (this.firstCause !== undefined) return;
    this.firstCause = cause;
    const listeners = [...this.listeners];
    this.listeners.clear();
    for (const listener of listeners) listener(cause);
  }

  /**
   * Calls `listener` once at the stop, or at once if it is stopped already; returns what forgets
   * it.
   */
  onStop(listener: (cause: StopCause) => void): () => void {
    if (this.firstCause !== undefined) {
      listener(this.firstCause);
      return () => undefined;
    }
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** Leaves the parent; what happens to that one no longer matters here. */
  close(): void {
    this.leave();
    this.listeners.clear();
  }
}
