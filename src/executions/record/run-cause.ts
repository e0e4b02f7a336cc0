import { isUuid } from '../../common/ids/uuid.js';
import type { RunCause } from '../../engine/plan/plan.js';
import type { ExecutionRecord, TriggerInfo } from './execution.schema.js';

/** Ids of accounts that are no UUIDs: the holder of the server's token, and everybody. */
const OWN_IDS: readonly string[] = ['token', 'anonymous'];

/**
 * Who stands behind an execution. The name that a forge says is nobody's id, though it may look
 * like one: of an event of a repository only the id counts that was made of the forge's.
 */
export function runCauseOf({
  trigger_info: info,
  asked,
  plan_hash: planHash,
}: Pick<ExecutionRecord, 'trigger_info' | 'asked' | 'plan_hash'>): RunCause {
  const { event, rerun_by: rerunBy } = info;
  const by = event === undefined ? accountOf(info) : event.actor_user_id;
  const asker = rerunBy ?? by;
  const people = [rerunBy, by, event?.author_user_id, event?.approved_by];
  const names = event === undefined ? [] : [info.triggered_by, event.author];
  return {
    ...(asker !== undefined && { asker }),
    accounts: [...new Set(people.filter((id) => id !== undefined))],
    names: [...new Set(names.filter((name) => name !== undefined))],
    isOfBranch: isOfBranch(info, asked),
    planHash,
  };
}

function accountOf({ triggered_by: by }: TriggerInfo): string | undefined {
  return isUuid(by) || OWN_IDS.includes(by) ? by : undefined;
}

/** A trigger that names a commit or a repository may name one that no branch of ours has. */
function isOfBranch(info: TriggerInfo, asked: ExecutionRecord['asked']): boolean {
  const { event, tag, trigger_type: type, repository } = info;
  if (type === 'pull_request' || tag !== undefined) return false;
  if (event !== undefined) return !event.fork;
  const isNamed = asked?.commit_hash !== undefined || repository !== undefined;
  return !isNamed && (asked !== undefined || type === 'schedule' || type === 'webhook');
}
