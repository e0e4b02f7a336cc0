import { nameRecord } from '../../common/values/name-record.js';
import type {
  AttemptState,
  RunState,
  RunStatus,
  StageState,
  StepState,
} from '../../engine/plan/run-state.js';
import type { PastSpan } from '../../integrations/tracing/tracing.js';

const FAILURES: readonly RunStatus[] = ['failed', 'timeout', 'cancelled'];

/**
 * The spans of a run that is over: stages, their steps, and each try of a step. What never started
 * has none.
 * @param mask takes secrets out of the names
 */
export function runSpans(state: RunState, mask: (text: string) => string): PastSpan[] {
  const { checkout, stages, onFailure, always } = state;
  const spans = [
    ...(checkout ? stepSpans([checkout], '') : []),
    ...stages.flatMap(stageSpans),
    ...stepSpans(onFailure, 'on_failure'),
    ...stepSpans(always, 'always'),
  ];
  return spans.map((span) => maskedSpan(span, mask));
}

function maskedSpan(span: PastSpan, mask: (text: string) => string): PastSpan {
  const attributes = Object.entries(span.attributes).map(
    ([name, value]) => [name, typeof value === 'string' ? mask(value) : value] as const,
  );
  return {
    ...span,
    name: mask(span.name),
    attributes: nameRecord(attributes),
    parts: span.parts.map((part) => maskedSpan(part, mask)),
  };
}

function stageSpans(stage: StageState): PastSpan[] {
  // An earlier attempt ran it, and has told it.
  if (stage.reason?.code === 'kept') return [];
  const parts = stepSpans(stage.steps, stage.name);
  return timed(`stage ${stage.name}`, stage, { 'millrace.stage': stage.name }, parts);
}

function stepSpans(steps: readonly StepState[], stage: string): PastSpan[] {
  return steps.flatMap((step) => {
    const attributes = { 'millrace.stage': stage, 'millrace.step': step.name };
    const parts = step.attempts.flatMap((attempt) => attemptSpans(attempt, attributes));
    return timed(`step ${step.name}`, step, { ...attributes, 'millrace.flaky': step.flaky }, parts);
  });
}

function attemptSpans(attempt: AttemptState, attributes: PastSpan['attributes']): PastSpan[] {
  const more = { 'millrace.attempt': attempt.number, 'process.exit.code': attempt.exitCode };
  return timed(`try ${attempt.number}`, attempt, { ...attributes, ...more }, []);
}

function timed(
  name: string,
  part: Pick<StageState, 'status' | 'reason' | 'startedAt' | 'finishedAt'>,
  attributes: PastSpan['attributes'],
  parts: readonly PastSpan[],
): PastSpan[] {
  const { status, reason, startedAt, finishedAt } = part;
  if (startedAt === undefined) return [];
  return [
    {
      name,
      startedAt,
      // Interrupted: it is over for this attempt.
      endedAt: finishedAt ?? Math.max(startedAt, ...parts.map(({ endedAt }) => endedAt)),
      attributes: { ...attributes, 'millrace.status': status, 'millrace.reason': reason?.code },
      ...(FAILURES.includes(status) && { failure: status }),
      parts,
    },
  ];
}
