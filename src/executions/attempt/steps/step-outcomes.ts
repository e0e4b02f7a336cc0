import type { StepOutcome } from '../../../engine/runtime/step-handler.js';

/** The step failed, and another try would end the same way. */
export function finallyFailed(code: string, message: string): StepOutcome {
  return { kind: 'failed', reason: { code, message }, isFinal: true };
}

/** The platform's fault. */
export function infrastructure(
  code: string,
  message: string,
  data?: Readonly<Record<string, unknown>>,
): StepOutcome {
  return { kind: 'infrastructure', reason: { code, message, ...(data && { data }) } };
}
