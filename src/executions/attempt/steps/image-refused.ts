import type { Reason } from '../../../engine/plan/run-state.js';
import type { StepOutcome } from '../../../engine/runtime/step-handler.js';
import type { ImageRefused } from './run-images.js';

/** Refusals that another try may overcome. */
const PASSING: ReadonlySet<ImageRefused['code']> = new Set(['pull_stalled', 'pull_failed']);

/** How a step ends whose image is not there. */
export function imageRefused({ code, message }: ImageRefused, image: string): StepOutcome {
  const reason: Reason = { code, message, data: { image } };
  if (PASSING.has(code)) return { kind: 'infrastructure', reason };
  return { kind: 'failed', reason, isFinal: true };
}
