import type {
  AttemptState,
  Reason,
  RunState,
  StageState,
  StepState,
  WhenTrace,
} from '../../engine/plan/run-state.js';
import { maskDeep, maskReason } from '../../engine/runtime/reasons.js';

import type { TriggerInfo } from '../record/execution.schema.js';

type Mask = (text: string) => string;

/**
 * The state of a run with every text in it masked again that foreign words may stand in: reasons,
 * outputs, the last lines of a failure. For states whose older parts were masked before the masks
 * grew.
 */
export function maskedRun(state: RunState, mask: Mask): RunState {
  const { checkout, failure } = state;
  return {
    ...withReason(state, mask),
    ...(checkout && { checkout: maskedStep(checkout, mask) }),
    stages: state.stages.map((stage) => maskedStage(stage, mask)),
    onFailure: state.onFailure.map((step) => maskedStep(step, mask)),
    always: state.always.map((step) => maskedStep(step, mask)),
    ...(failure && {
      failure: {
        ...failure,
        reason: maskReason(failure.reason, mask),
        lastLines: failure.lastLines.map(mask),
      },
    }),
    ...(state.commit && {
      commit: {
        ...state.commit,
        message: mask(state.commit.message),
        author: mask(state.commit.author),
      },
    }),
  };
}

/** What a forge said of the event, masked: messages and names that strangers have written. */
export function maskedTrigger(info: TriggerInfo, mask: Mask): TriggerInfo {
  if (info.event === undefined) return info;
  const { message, title, author } = info.event;
  return {
    ...info,
    event: {
      ...info.event,
      ...(message !== undefined && { message: mask(message) }),
      ...(title !== undefined && { title: mask(title) }),
      ...(author !== undefined && { author: mask(author) }),
    },
  };
}

/** A `when` with its values, as {@link maskedRun}. */
export function maskedTrace(trace: WhenTrace, mask: Mask): WhenTrace {
  return {
    ...trace,
    expression: mask(trace.expression),
    parts: trace.parts.map(({ text, value }) => ({
      text: mask(text),
      value: maskDeep(value, mask),
    })),
  };
}

function maskedStage(stage: StageState, mask: Mask): StageState {
  return {
    ...withReason(stage, mask),
    steps: stage.steps.map((step) => maskedStep(step, mask)),
  };
}

function maskedStep(step: StepState, mask: Mask): StepState {
  return {
    ...withReason(step, mask),
    ...(step.outputs && { outputs: maskDeep(step.outputs, mask) as StepState['outputs'] }),
    attempts: step.attempts.map((attempt): AttemptState => withReason(attempt, mask)),
  };
}

function withReason<T extends { readonly reason?: Reason }>(part: T, mask: Mask): T {
  return part.reason === undefined ? part : { ...part, reason: maskReason(part.reason, mask) };
}
