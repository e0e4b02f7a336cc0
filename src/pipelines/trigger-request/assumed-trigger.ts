import type { TriggerContext } from '../../engine/plan/plan.js';
import type { TriggerEvent } from '../../engine/triggers/trigger-event.js';
import type { ForgeEvent } from '../../integrations/forge/forge-event.js';
import { triggerEventOf } from './trigger-event-of.js';

/** What somebody who asks "what would happen?" says of an event; what is absent was not said. */
export interface AssumedEvent {
  /** As in `TriggerEvent`. */
  readonly event: string;
  readonly actor?: string;
  /** Of a pull request: as `baseBranch`. */
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
  /** Clone from here. */
  readonly repository?: string;
  /** Of the head commit. */
  readonly message?: string;
  readonly changedPaths?: readonly string[];
  readonly pullRequest?: AssumedPullRequest;
}

export interface AssumedPullRequest {
  readonly number?: number;
  /** `opened`, `synchronize`… */
  readonly action?: string;
  readonly title?: string;
  readonly baseBranch?: string;
  readonly headBranch?: string;
  readonly draft?: boolean;
  readonly fork?: boolean;
}

/** An event in the words of a run, and in those that rules are asked with. */
export interface AssumedTrigger {
  readonly context: TriggerContext;
  readonly asked: TriggerEvent;
}

/** What an event of a forge is to a run and to rules. */
export function forgeTrigger(event: ForgeEvent): AssumedTrigger {
  const { base, head } = event;
  const author = event.author?.name ?? event.author?.email;
  return {
    asked: triggerEventOf(event),
    context: {
      event: event.kind,
      ...given('actor', event.actor?.name),
      ...given('branch', event.branch),
      ...given('tag', event.tag),
      ...given('commit', event.commit),
      ...given('message', event.message),
      ...given('author', author),
      ...given('before', event.before),
      ...given('title', event.title),
      ...given('number', event.number),
      ...(event.kind === 'pull_request' && { fork: event.fork }),
      ...(base?.branch && { base: { branch: base.branch, ...given('commit', base.commit) } }),
      ...(head?.branch && { head: { branch: head.branch } }),
    },
  };
}

/** What somebody assumes, by the same way as an event of a forge. */
export function assumedTrigger(assumed: AssumedEvent): AssumedTrigger {
  const { event, repository, changedPaths, actor, ...refs } = assumed;
  const of = { ...given('actor', actor), ...given('repository', repository) };
  if (event !== 'push' && event !== 'tag' && event !== 'pull_request') {
    const { branch, tag, commit, message } = refs;
    const both = { event, ...given('branch', branch), ...given('tag', tag) };
    const context = { ...both, ...given('commit', commit), ...given('message', message), ...of };
    return { context, asked: { ...both, ...given('repository', repository) } };
  }
  const { asked, context } = forgeTrigger(assumedForgeEvent(event, assumed));
  return {
    context: { ...context, fork: assumed.pullRequest?.fork, ...of },
    // Nobody has said which files were changed, or what an edit has changed.
    asked: { ...asked, changedPaths, baseChanged: undefined, ...given('repository', repository) },
  };
}

function assumedForgeEvent(
  kind: ForgeEvent['kind'],
  { branch, tag, commit, message, changedPaths, pullRequest = {} }: AssumedEvent,
): ForgeEvent {
  const isPullRequest = kind === 'pull_request';
  const { number, action, title, draft, fork, headBranch } = pullRequest;
  const baseBranch = pullRequest.baseBranch ?? branch;
  const ref = (name: string | undefined): ForgeEvent['base'] =>
    name === undefined ? null : { branch: name, commit: null, repositoryId: null, cloneUrl: null };
  return {
    kind,
    branch: kind === 'push' ? (branch ?? null) : null,
    tag: kind === 'tag' ? (tag ?? null) : null,
    before: null,
    commit: commit ?? null,
    base: isPullRequest ? ref(baseBranch) : null,
    head: isPullRequest ? ref(headBranch) : null,
    number: number ?? null,
    action: action ?? null,
    baseChanged: false,
    title: title ?? null,
    message: message ?? null,
    author: null,
    actor: null,
    changedPaths: changedPaths ?? 'unknown',
    labels: [],
    draft: draft ?? false,
    fork: fork ?? false,
  };
}

/** A property that is there when it has a value. */
function given<K extends string, V>(
  name: K,
  value: V | null | undefined,
): { readonly [P in K]?: V } {
  return (value === null || value === undefined ? {} : { [name]: value }) as { [P in K]?: V };
}
