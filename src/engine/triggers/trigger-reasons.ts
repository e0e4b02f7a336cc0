import type { Reason } from '../plan/run-state.js';

/**
 * Reason codes of a trigger decision, with their meaning. docs/reasons.md explains each one; a
 * test holds the two together.
 */
export const TRIGGER_REASONS = {
  trigger_accepted: 'The event starts an execution.',
  trigger_unsure: 'Whether a rule matches depends on what the event did not say.',
  trigger_no_rule: 'The pipeline has no rule for this kind of event.',
  trigger_no_match: 'No rule matches.',
  trigger_skipped: 'The commit or the pull request asks for no run: `data.mark`.',
  pipeline_disabled: 'The pipeline is disabled: it starts no executions.',
  inputs_invalid: 'The inputs do not fit the pipeline: `data.problems`.',

  fork_needs_approval: 'A pull request from another repository: somebody must approve the run.',
  fork_refused: 'Pull requests from other repositories start nothing here.',

  schedule_caught_up: 'The tick was missed, and is made up for: `data.late_ms`.',
  schedule_missed: 'The tick was missed and is not made up for: `data.late_ms`.',
  schedule_off_default_branch: 'The file is not on the default branch of its repository.',
  webhook_off_default_branch: 'The file is not on the default branch of its repository.',
  repository_gone: 'The repository of the pipeline is not connected any more.',

  rule_matches: 'The rule matches.',
  rule_unsure: 'The rule asks for what the event did not say: `data.missing`.',
  rule_other_event: 'The rule is for another kind of event.',
  rule_other_ref: 'Branch or tag match none of the patterns: `data.patterns`.',
  rule_other_repository: 'The rule is for another repository.',
  rule_other_paths: 'No changed file is one that the rule asks for.',
  rule_no_drafts: 'The rule is not for drafts.',
  rule_other_type: 'The rule is for other things that happen to a pull request: `data.types`.',
} as const satisfies Readonly<Record<string, string>>;

export type TriggerReasonCode = keyof typeof TRIGGER_REASONS;

export function triggerReason(
  code: TriggerReasonCode,
  message: string,
  data?: Reason['data'],
): Reason {
  return data === undefined ? { code, message } : { code, message, data };
}
