import type { ArtifactsPlan } from '../../../engine/plan/artifacts-plan.js';
import type { StepAction } from '../../../engine/plan/plan.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import {
  type StepAttempt,
  StepHandler,
  type StepOutcome,
  type StepProgress,
} from '../../../engine/runtime/step-handler.js';
import { kindOf } from '../../../engine/steps/step-kind-registry.js';
import { ObjectStoreError } from '../../../integrations/object-store/object-store.js';
import { ArtifactsTooLargeError } from '../../artifacts/artifact-keeper.js';
import type { RunArtifacts } from './run-artifacts.js';

/** After the command of a try whose limit has passed, ms. */
const AFTER_TIMEOUT_MS = 60_000;

/** Another handler, of whose tries is kept what they leave behind. */
export class CollectingStepHandler<A extends StepAction> extends StepHandler<A> {
  readonly kind: A['kind'];

  constructor(
    private readonly inner: StepHandler<A>,
    private readonly artifacts: RunArtifacts,
  ) {
    super();
    this.kind = inner.kind;
  }

  async run(
    attempt: StepAttempt<A>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    const { artifacts: plan } = attempt;
    if (plan === undefined) return this.inner.run(attempt, signal, progress);
    // A handler of commands alone tells no parts; with the files there are two.
    if (kindOf(attempt.action).runsIn !== 'image') progress.begin('command');
    const outcome = await this.inner.run(attempt, signal, progress);
    const ended = endOf(outcome, signal);
    if (!isKept(plan, ended)) return outcome;
    progress.begin('collect');
    const limit = ended === 'timeout' ? AbortSignal.timeout(AFTER_TIMEOUT_MS) : signal;
    const problem = await this.collect(attempt, plan, limit);
    if (problem === undefined || outcome.kind !== 'success') return outcome;
    if (problem === 'stopped') return { kind: 'aborted' };
    return problem;
  }

  private async collect(
    { address }: StepAttempt,
    plan: ArtifactsPlan,
    signal: AbortSignal,
  ): Promise<StepOutcome | 'stopped' | undefined> {
    try {
      await this.artifacts.keep(address, plan, signal);
      return undefined;
    } catch (error) {
      if (signal.aborted) return 'stopped';
      const reason = reasonOf(error);
      this.artifacts.tell(address, reason.message);
      return reason.code === 'artifacts_too_large'
        ? { kind: 'failed', reason, isFinal: true }
        : { kind: 'infrastructure', reason };
    }
  }
}

type End = 'success' | 'failure' | 'timeout' | 'none';

/** What was cancelled, or never ran, leaves nothing that anybody asked for. */
function endOf({ kind }: StepOutcome, signal: AbortSignal): End {
  if (kind === 'success') return 'success';
  if (kind === 'failed') return 'failure';
  const { code } = (signal.reason ?? {}) as { code?: unknown };
  return kind === 'aborted' && code === 'timeout' ? 'timeout' : 'none';
}

function isKept({ when }: ArtifactsPlan, end: End): boolean {
  if (end === 'none') return false;
  return when === 'always' || (when === 'success') === (end === 'success');
}

function reasonOf(error: unknown): Reason {
  const said = error instanceof Error ? error.message : String(error);
  if (error instanceof ArtifactsTooLargeError) {
    const message = `artifacts of the execution are too large (MAX_ARTIFACTS_SIZE): ${said}`;
    return { code: 'artifacts_too_large', message };
  }
  const data = error instanceof ObjectStoreError ? { data: { code: error.code } } : {};
  return { code: 'artifacts_not_kept', message: `the artifacts were not kept: ${said}`, ...data };
}
