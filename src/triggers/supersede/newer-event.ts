import type { TriggerInfo } from '../../executions/record/execution.schema.js';

/** What of an execution says which event it runs. */
export interface EventOf {
  readonly id: string;
  readonly trigger: TriggerInfo;
}

/**
 * Which lane of a pipeline an event is in: the pushes of one branch, or one pull request.
 * Undefined: nothing supersedes it, and it supersedes nothing.
 */
export function laneOf({
  trigger_type: kind,
  branch,
  event,
  rerun_of,
}: TriggerInfo): string | undefined {
  if (event === undefined || rerun_of !== undefined) return undefined;
  if (kind === 'push' && branch !== undefined) return `push ${branch}`;
  if (kind === 'pull_request' && event.number !== undefined) return `pull_request ${event.number}`;
  return undefined;
}

/**
 * Whether `one` is newer than `other`, of the same lane: by what the pushes say was there before
 * them, and where they do not say it by the order in which they came. `known`: further events of
 * the lane, which may stand between the two.
 */
export function isNewer(one: EventOf, other: EventOf, known: readonly EventOf[]): boolean {
  const isAfter = comesAfter(one, other, known);
  // Both: a forced push has brought an earlier commit back.
  return isAfter === comesAfter(other, one, known) ? one.id > other.id : isAfter;
}

/** Whether the pushes lead from `earlier` to `later`. */
function comesAfter(later: EventOf, earlier: EventOf, known: readonly EventOf[]): boolean {
  const goal = commitOf(earlier);
  if (goal === undefined || goal === commitOf(later)) return false;
  const before = new Map(
    known.flatMap((each): [string, string][] => {
      const commit = commitOf(each);
      const earlierCommit = beforeOf(each);
      return commit === undefined || earlierCommit === undefined ? [] : [[commit, earlierCommit]];
    }),
  );
  const seen = new Set<string>();
  for (let at = beforeOf(later); at !== undefined && !seen.has(at); at = before.get(at)) {
    if (at === goal) return true;
    seen.add(at);
  }
  return false;
}

function beforeOf({ trigger }: EventOf): string | undefined {
  return trigger.event?.before;
}

function commitOf({ trigger }: EventOf): string | undefined {
  return trigger.commit_hash;
}
