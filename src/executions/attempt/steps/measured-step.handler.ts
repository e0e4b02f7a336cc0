import type { Metrics } from '../../../common/metrics/metrics.js';
import type { StepAction } from '../../../engine/plan/plan.js';
import {
  type StepAttempt,
  type StepHandler,
  type StepOutcome,
  type StepProgress,
} from '../../../engine/runtime/step-handler.js';
import { OuterStepHandler } from './outer-step.handler.js';

type StepMetrics = Pick<Metrics, 'stepDuration' | 'stepRetries' | 'dependencyFailed'>;

const GIT_REASON = 'git_';

/** Counts and times the tries of another handler. */
export class MeasuredStepHandler<A extends StepAction> extends OuterStepHandler<A> {
  constructor(
    inner: StepHandler<A>,
    private readonly metrics: StepMetrics,
  ) {
    super(inner);
  }

  async run(
    attempt: StepAttempt<A>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    const begun = performance.now();
    if (attempt.address.attempt > 1) this.metrics.stepRetries.inc();
    let outcome = 'internal_error';
    try {
      const ended = await this.inner.run(attempt, signal, progress);
      outcome = outcomeOf(ended, signal);
      this.noteCloneFailure(ended);
      return ended;
    } finally {
      const seconds = (performance.now() - begun) / 1000;
      this.metrics.stepDuration.observe({ kind: this.kind, outcome }, seconds);
    }
  }

  /** The codes after `git_` are those of `GitError`: a fixed set. */
  private noteCloneFailure(outcome: StepOutcome): void {
    if (this.kind !== 'git' || !('reason' in outcome) || !outcome.reason) return;
    const { code } = outcome.reason;
    if (code.startsWith(GIT_REASON)) {
      this.metrics.dependencyFailed('git', code.slice(GIT_REASON.length));
    }
  }
}

/** `timeout` and `cancelled` are what stopped a try; the handler only knows that it was. */
function outcomeOf({ kind }: StepOutcome, signal: AbortSignal): string {
  if (kind !== 'aborted') return kind;
  const { code } = (signal.reason ?? {}) as { code?: unknown };
  return code === 'timeout' ? 'timeout' : 'cancelled';
}
