import type { TriggerDocument } from '../definition/definition-document.js';
import type { Reason } from '../plan/run-state.js';
import { triggerReason } from './trigger-reasons.js';

/** What a pull request from another repository may do; the first is the strictest. */
export const FORK_POLICIES = ['never', 'approval', 'run'] as const;

export type ForkPolicy = (typeof FORK_POLICIES)[number];

/**
 * Why a pull request from another repository does not start by itself; undefined: it may. Of the
 * rules and the connection the stricter counts.
 */
export function refuseFork(
  rules: readonly TriggerDocument[],
  ofConnection: ForkPolicy,
): Reason | undefined {
  const said = rules
    .filter(({ trigger_type: type }) => type === 'pull_request')
    .map(({ config }) => config['forks']);
  const policies = [ofConnection, ...said.filter((policy) => policy !== undefined)];
  if (policies.includes('never')) {
    const why = 'Pull requests from other repositories start nothing here (`forks: never`).';
    return triggerReason('fork_refused', why);
  }
  if (policies.every((policy) => policy === 'run')) return undefined;
  const why = 'A pull request from another repository needs an approval (`forks: approval`).';
  return triggerReason('fork_needs_approval', why);
}
