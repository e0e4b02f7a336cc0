import { isTemplate } from '../expression/template.js';
import type { Plan, RepositoryPlan, RunContext, TriggerContext } from '../plan/plan.js';
import { checkoutRepository, namedRefs } from '../runtime/initial-state.js';

/** Events that come from a forge: what the question leaves out of them is there all the same. */
const FROM_A_FORGE = new Set(['push', 'pull_request', 'tag', 'webhook']);
const TOLD_BY_A_FORGE = ['branch', 'tag', 'commit', 'message', 'author', 'repository'] as const;

/** The root `trigger` as it will be after the checkout, as far as that is known before the run. */
export interface KnownCheckout {
  readonly trigger: TriggerContext;
  /** Keys of it that only the run knows. */
  readonly unknown: ReadonlySet<string>;
}

/**
 * Says what `runCheckout` will: the names that are given, and that the rest is known only when it
 * is cloned. Pure.
 */
export function knownCheckout(plan: Plan, context: RunContext): KnownCheckout {
  const { trigger } = context;
  const ofForge = FROM_A_FORGE.has(trigger.event)
    ? TOLD_BY_A_FORGE.filter((name) => trigger[name] === undefined)
    : [];
  const unknown = new Set<string>(ofForge);
  const repository = checkoutRepository(plan, context, undefined);
  if (repository === undefined) return { trigger, unknown };
  const { branch, tag } = namedRefs(repository, trigger);
  if (branch === undefined ? followsHead(repository) : isTemplate(branch)) unknown.add('branch');
  if (tag !== undefined && isTemplate(tag)) unknown.add('tag');
  const { commit } = repository;
  const isFull = commit !== undefined && /^[0-9a-f]{40}$/.test(commit);
  if (!isFull) unknown.add('commit');
  return { trigger: { ...trigger, branch, tag, commit: isFull ? commit : undefined }, unknown };
}

/** Nothing is named: the remote says which branch it is. */
function followsHead({ branch, tag, commit }: RepositoryPlan): boolean {
  return branch === undefined && tag === undefined && commit === undefined;
}
