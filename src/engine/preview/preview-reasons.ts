import type { Reason } from '../plan/run-state.js';

/**
 * Reason codes that only a dry run gives of stages and steps, with their meaning; all others are
 * those of a run. docs/reasons.md explains each one; a test holds the two together.
 */
export const PREVIEW_REASONS = {
  known_later: 'Depends on what is known only when it runs: `data.unknown`.',
} as const satisfies Readonly<Record<string, string>>;

export type PreviewReasonCode = keyof typeof PREVIEW_REASONS;

export function previewReason(
  code: PreviewReasonCode,
  message: string,
  data?: Reason['data'],
): Reason {
  return data === undefined ? { code, message } : { code, message, data };
}
