import type { TriggerDocument } from '../definition/definition-document.js';
import { type AskedPart, fails, passes } from './decision-part.js';
import { triggerReason } from './trigger-reasons.js';

/** What a pull request from another repository may do; the first is the strictest. */
export const FORK_POLICIES = ['never', 'approval', 'run'] as const;

export type ForkPolicy = (typeof FORK_POLICIES)[number];

/**
 * Whether a pull request from another repository starts by itself. Of the rules and the connection
 * the strictest counts.
 */
export function forksPart(rules: readonly TriggerDocument[], ofConnection: ForkPolicy): AskedPart {
  const said = rules
    .filter(({ trigger_type: type }) => type === 'pull_request')
    .map(({ config }) => config['forks'] ?? 'run');
  const strictest =
    FORK_POLICIES.find((one) => one === ofConnection || said.includes(one)) ?? 'run';
  const question = { part: 'forks', expected: ['run'], actual: [strictest] } as const;
  switch (strictest) {
    case 'never': {
      const why = 'Pull requests from other repositories start nothing here (`forks: never`).';
      return fails(question, triggerReason('fork_refused', why));
    }
    case 'approval': {
      const why = 'A pull request from another repository needs an approval (`forks: approval`).';
      return fails(question, triggerReason('fork_needs_approval', why));
    }
    case 'run':
      return passes(question);
  }
}
