import { valueOf } from '../../common/values/name-record.js';
import { isTemplate } from '../expression/template.js';
import type { Plan, RepositoryPlan, RunContext, TriggerContext } from '../plan/plan.js';
import { checkoutRepository, namedRefs } from '../runtime/initial-state.js';

const OF_A_COMMIT = ['commit', 'message', 'author', 'repository'] as const;
const OF_A_PUSH = [...OF_A_COMMIT, 'before', 'repository_name', 'default_branch'] as const;

/**
 * What events of a forge tell: what the question leaves out of it is there all the same. A pull
 * request is of no branch and no tag: it has a base and a head.
 */
const GIVEN_BY_A_FORGE: Readonly<Record<string, readonly (keyof TriggerContext)[]>> = {
  push: ['branch', ...OF_A_PUSH],
  tag: ['tag', ...OF_A_PUSH],
  pull_request: [
    ...(['commit', 'author', 'repository', 'repository_name', 'default_branch'] as const),
    ...(['number', 'title', 'base', 'head', 'fork'] as const),
  ],
  webhook: ['payload', 'branch', 'repository', 'repository_name', 'default_branch'],
};

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
  const given = valueOf(GIVEN_BY_A_FORGE, trigger.event) ?? [];
  const unknown = new Set<string>(given.filter((name) => trigger[name] === undefined));
  const repository = checkoutRepository(plan, context, undefined);
  if (repository === undefined) return { trigger, unknown };
  const { branch, tag } = namedRefs(repository, trigger);
  // What a pull request clones is its head commit, which is of no branch.
  const isOfNoBranch = trigger.event === 'pull_request';
  if (branch === undefined ? followsHead(repository) && !isOfNoBranch : isTemplate(branch)) {
    unknown.add('branch');
  }
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
