import { mergedNames } from '../../../common/values/name-record.js';
import type { StepAction } from '../../../engine/plan/plan.js';
import type { CacheFacts } from '../../../engine/plan/run-state.js';
import {
  type StepAttempt,
  type StepHandler,
  type StepOutcome,
  type StepProgress,
} from '../../../engine/runtime/step-handler.js';
import { OuterStepHandler } from './outer-step.handler.js';
import type { OpenCache, RunCaches } from './run-caches.js';
import type { StepAdditions } from './step-additions.js';

/** Another handler, whose tries find their caches restored; these are saved afterwards. */
export class CachedStepHandler<A extends StepAction> extends OuterStepHandler<A> {
  constructor(
    inner: StepHandler<A>,
    private readonly caches: RunCaches,
    private readonly additions: StepAdditions,
  ) {
    super(inner);
  }

  async run(
    attempt: StepAttempt<A>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    const { address, caches: plans } = attempt;
    if (plans === undefined) return this.inner.run(attempt, signal, progress);
    progress.begin('restore');
    const restored = await this.caches.restore(attempt, plans, signal).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
    if (restored === undefined) return { kind: 'aborted' };
    const environment = mergedNames(attempt.environment, restored.variables);
    progress.tell({ caches: factsOf(restored.open) });
    this.additions.set(address, restored.additions);
    const outcome = await this.inner.run({ ...attempt, environment }, signal, progress);
    if (outcome.kind !== 'success' && outcome.kind !== 'failed') return outcome;
    progress.begin('collect');
    const ended = outcome.kind === 'success' ? 'success' : 'failure';
    const saved = await this.caches.save(attempt, restored, ended, signal);
    progress.tell({ caches: factsOf(saved) });
    return outcome;
  }
}

function factsOf(open: readonly OpenCache[]): CacheFacts[] {
  return open.map(({ name, restored, saved }) => ({ name, restored, ...(saved && { saved }) }));
}
