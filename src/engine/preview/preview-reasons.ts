import type { Reason } from '../plan/run-state.js';

/**
 * Reason codes that only a dry run gives, with their meaning; all others are those of a run. docs/reasons.md explains each one; a
 * test holds the two together.
 */
export const PREVIEW_REASONS = {
  known_later: 'Depends on what is known only when it runs: `data.unknown`.',

  trigger_accepted: 'The event starts an execution.',
  trigger_not_active: 'A rule matches, but this version starts nothing by such events yet.',
  trigger_unsure: 'Whether a rule matches depends on what the event did not say.',
  trigger_no_rule: 'The pipeline has no rule for this kind of event.',
  trigger_no_match: 'No rule matches.',
  pipeline_disabled: 'The pipeline is disabled: it starts no executions.',
  inputs_invalid: 'The inputs do not fit the pipeline: `data.problems`.',

  rule_matches: 'The rule matches.',
  rule_unsure: 'The rule asks for what the event did not say: `data.missing`.',
  rule_other_event: 'The rule is for another kind of event.',
  rule_other_ref: 'Branch or tag match none of the patterns: `data.patterns`.',
  rule_other_repository: 'The rule is for another repository.',
} as const satisfies Readonly<Record<string, string>>;

export type PreviewReasonCode = keyof typeof PREVIEW_REASONS;

export function previewReason(
  code: PreviewReasonCode,
  message: string,
  data?: Reason['data'],
): Reason {
  return data === undefined ? { code, message } : { code, message, data };
}
