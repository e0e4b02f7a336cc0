import { messageOf } from '../../../common/values/error-message.js';
import type { ArtifactsPlan, ArtifactsSource } from '../../../engine/plan/artifacts-plan.js';
import type { StepAction } from '../../../engine/plan/plan.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import {
  type StepAttempt,
  type StepHandler,
  type StepOutcome,
  type StepProgress,
} from '../../../engine/runtime/step-handler.js';
import { ObjectStoreError } from '../../../integrations/object-store/object-store.js';
import { ArtifactsTooLargeError } from '../../artifacts/artifact-keeper.js';
import type { WorkspaceOwnership } from '../../../workspaces/workspace-ownership.js';
import { OuterStepHandler } from './outer-step.handler.js';
import { type BroughtArtifacts, mayComeLater } from './brought-artifacts.js';
import type { RunArtifacts } from './run-artifacts.js';
import type { RunReports } from './run-reports.js';

/** For all that is collected of a try whose limit has passed, s. */
const AFTER_TIMEOUT_S = 60;

/**
 * Another handler, whose tries get the artifacts that they ask for, and of which is kept what they
 * leave: artifacts, and what tests said.
 */
export class CollectingStepHandler<A extends StepAction> extends OuterStepHandler<A> {
  constructor(
    inner: StepHandler<A>,
    private readonly artifacts: RunArtifacts,
    private readonly reports: RunReports,
    private readonly brought: BroughtArtifacts,
    private readonly ownership: Pick<WorkspaceOwnership, 'asServer'>,
    private readonly afterTimeoutMs = AFTER_TIMEOUT_S * 1000,
  ) {
    super(inner);
  }

  async run(
    attempt: StepAttempt<A>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    const { artifacts, artifactsFrom, reports } = attempt;
    if (artifacts === undefined && artifactsFrom === undefined && reports === undefined) {
      return this.inner.run(attempt, signal, progress);
    }
    if (artifactsFrom !== undefined) {
      progress.begin('restore');
      const problem = await this.bring(attempt, artifactsFrom, signal);
      if (problem !== undefined) return problem;
    }
    const begun = new Date();
    const outcome = await this.inner.run(attempt, signal, progress);
    const ended = endOf(outcome, signal);
    if (ended === 'none' || (artifacts ?? reports) === undefined) return outcome;
    progress.begin('collect');
    const limit = ended === 'timeout' ? AbortSignal.timeout(this.afterTimeoutMs) : signal;
    const problem = gravest([
      await this.collectReports(attempt, begun, limit, progress),
      await this.collectArtifacts(attempt, ended, limit, progress),
    ]);
    if (problem === undefined || outcome.kind !== 'success') return outcome;
    return problem;
  }

  private async bring(
    { address }: StepAttempt,
    sources: readonly ArtifactsSource[],
    signal: AbortSignal,
  ): Promise<StepOutcome | undefined> {
    try {
      await this.brought.bring(address, sources, signal);
      return undefined;
    } catch (error) {
      if (signal.aborted) return { kind: 'aborted' };
      const message = `artifacts were not brought: ${messageOf(error)}`;
      return mayComeLater(error)
        ? { kind: 'infrastructure', reason: { code: 'artifacts_not_brought', message } }
        : { kind: 'failed', isFinal: true, reason: { code: 'artifacts_missing', message } };
    }
  }

  /** Collected however the try ended; what is no report fails nothing. */
  private async collectReports(
    attempt: StepAttempt,
    begun: Date,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome | undefined> {
    const { address, reports: plan } = attempt;
    if (plan === undefined) return undefined;
    try {
      const tests = await this.ownership.asServer(() =>
        this.reports.keep(attempt, plan, begun, signal),
      );
      if (tests !== undefined) progress.tell({ tests });
      return undefined;
    } catch (error) {
      const message = `they were not kept: ${whyNot(error, signal)}`;
      this.reports.tell(address, message);
      if (signal.aborted) return { kind: 'aborted' };
      return { kind: 'infrastructure', reason: { code: 'reports_not_kept', message } };
    }
  }

  private async collectArtifacts(
    { address, artifacts: plan }: StepAttempt,
    ended: End,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome | undefined> {
    if (plan === undefined || !isKept(plan, ended)) return undefined;
    try {
      const artifacts = await this.ownership.asServer(() =>
        this.artifacts.keep(address, plan, signal),
      );
      progress.tell({ artifacts });
      return undefined;
    } catch (error) {
      const reason = reasonOf(error, signal);
      this.artifacts.tell(address, reason.message);
      if (signal.aborted) return { kind: 'aborted' };
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
  return when === 'always' || (when === 'success') === (end === 'success');
}

/** Of a step of which several things were not kept: first what another try does not mend. */
function gravest(problems: readonly (StepOutcome | undefined)[]): StepOutcome | undefined {
  const ofKind = (kind: StepOutcome['kind']): StepOutcome | undefined =>
    problems.find((problem) => problem?.kind === kind);
  return ofKind('aborted') ?? ofKind('failed') ?? ofKind('infrastructure');
}

function reasonOf(error: unknown, signal: AbortSignal): Reason {
  const said = whyNot(error, signal);
  if (error instanceof ArtifactsTooLargeError) {
    const message = `artifacts of the execution are too large (MAX_ARTIFACTS_SIZE): ${said}`;
    return { code: 'artifacts_too_large', message };
  }
  const data = error instanceof ObjectStoreError ? { data: { code: error.code } } : {};
  return { code: 'artifacts_not_kept', message: `the artifacts were not kept: ${said}`, ...data };
}

/** What is thrown after the signal may be anything that it has cut off. */
function whyNot(error: unknown, { aborted, reason }: AbortSignal): string {
  if (!aborted) return messageOf(error);
  const isLate = reason instanceof DOMException && reason.name === 'TimeoutError';
  return isLate
    ? `it took longer than ${AFTER_TIMEOUT_S} s after the time limit of the step`
    : 'the step was ended meanwhile';
}
