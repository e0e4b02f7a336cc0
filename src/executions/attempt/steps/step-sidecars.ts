import type { StepAction } from '../../../engine/plan/plan.js';
import {
  type StepAttempt,
  type StepHandler,
  type StepOutcome,
  type StepProgress,
} from '../../../engine/runtime/step-handler.js';
import { OuterStepHandler } from './outer-step.handler.js';
import type { StepOutput } from './step-output.js';

/** A sidecar that ended by itself after it was ready. */
export interface EndedSidecar {
  readonly name: string;
  /** `exit code 3`, or why that is not known. */
  readonly how: string;
  readonly exitCode?: number;
  /** Of its log, masked. */
  readonly lastLines: readonly string[];
}

/** What steps see of the sidecars of their run. */
export interface StepSidecars {
  /**
   * The network in which those of a stage and of the run are, by the engine's name; undefined:
   * there are none.
   */
  networkOf(stage: string): string | undefined;
  /** Those of a stage and of the run. */
  endedBeside(stage: string): readonly EndedSidecar[];
}

/** Another handler, whose steps say when they failed beside a sidecar that had ended. */
export class BesideSidecarsHandler<A extends StepAction> extends OuterStepHandler<A> {
  constructor(
    inner: StepHandler<A>,
    private readonly sidecars: Pick<StepSidecars, 'endedBeside'>,
    private readonly output: Pick<StepOutput, 'systemLine'>,
  ) {
    super(inner);
  }

  async run(
    attempt: StepAttempt<A>,
    signal: AbortSignal,
    progress: StepProgress,
  ): Promise<StepOutcome> {
    const outcome = await this.inner.run(attempt, signal, progress);
    if (outcome.kind === 'success' || outcome.kind === 'suspended') return outcome;
    const ended = this.sidecars.endedBeside(attempt.address.stage);
    for (const { name, how, lastLines } of ended) {
      const said = lastLines.map((line) => `${name} | ${line}`);
      const lines = [`The sidecar "${name}" had ended by itself: ${how}.`, ...said];
      this.output.systemLine(attempt.address, lines.join('\n'));
    }
    const [first] = ended;
    if (first === undefined || outcome.kind !== 'failed' || outcome.reason) return outcome;
    const { exitCode, signal: by } = outcome;
    const own = by === undefined ? `exit code ${exitCode ?? 'unknown'}` : `ended by ${by}`;
    const message = `${own}; the sidecar "${first.name}" had ended by itself: ${first.how}`;
    const data = { sidecar: first.name, exit_code: first.exitCode ?? null };
    return { ...outcome, reason: { code: 'sidecar_ended', message, data } };
  }
}
