import type { Reason } from '../../../engine/plan/run-state.js';
import type { StepOutcome } from '../../../engine/runtime/step-handler.js';
import { type ImageRefused, PASSING } from './run-images.js';

/** How a step ends whose image is not there. */
export function imageRefused({ code, message }: ImageRefused, image: string): StepOutcome {
  const reason: Reason = { code, message, data: { image } };
  if (PASSING.has(code)) return { kind: 'infrastructure', reason };
  return { kind: 'failed', reason, isFinal: true };
}
