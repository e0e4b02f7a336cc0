import { cutText } from '../../common/values/cut-text.js';
import type { ExecutionRecord } from '../../executions/record/execution.schema.js';
import type { RunStatus } from '../../engine/plan/run-state.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import type { CommitState } from '../../integrations/forge/forge.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import type { TriggerDecision } from '../../engine/triggers/trigger-decision.js';
import type { ForgeStatus } from './commit-status.schema.js';

/** What forges show of a description. */
const MAX_DESCRIPTION = 140;

type Outcome = Pick<ExecutionRecord, 'status' | 'reason' | 'duration'>;

/** What a forge shows of an execution: a state, and the reason in one line. */
export function statusOf({ status, reason, duration }: Outcome): ForgeStatus {
  const state = STATES[status];
  if (!isTerminal(status)) return { state, description: oneLine(WORDS[state] ?? status) };
  if (status === 'success') {
    const seconds = Math.round((duration ?? 0) / 1000);
    return { state, description: `passed in ${seconds} s` };
  }
  return { state, description: oneLine(reason ? `${status}: ${reason.message}` : status) };
}

const WORDS: Readonly<Partial<Record<CommitState, string>>> = { pending: 'it runs, or will run' };

const STATES: Readonly<Record<RunStatus, CommitState>> = {
  pending: 'pending',
  waiting: 'pending',
  running: 'pending',
  success: 'success',
  skipped: 'success',
  failed: 'failure',
  timeout: 'failure',
  cancelled: 'error',
};

/**
 * What a forge shows of a pipeline that starts nothing: that it is not needed, where the files
 * that were changed are all that a rule misses and the connection asks for it. Of whatever else
 * starts nothing a forge shows nothing: undefined.
 */
export function statusOfSkipped(
  { starts, rules }: Pick<TriggerDecision, 'starts' | 'rules'>,
  { report_skipped: isAsked }: Pick<RepositoryDocument, 'report_skipped'>,
): ForgeStatus | undefined {
  if (starts || isAsked !== true) return undefined;
  const missesPaths = rules.some(({ parts }) => {
    const [failed, ...more] = parts.filter(({ result }) => result === 'fails');
    return failed?.part === 'paths' && more.length === 0;
  });
  return missesPaths
    ? { state: 'success', description: 'not needed: no file that it asks for was changed' }
    : undefined;
}

export function oneLine(text: string): string {
  return cutText(text.replace(/[\p{Cc}\s]+/gu, ' ').trim(), MAX_DESCRIPTION);
}

/** By which two statuses of one commit are told apart. */
export function contextOf(pipeline: string, kind: 'push' | 'tag' | 'pull_request'): string {
  const name = `millrace/${pipeline}`;
  if (kind === 'push') return name;
  return kind === 'tag' ? `${name}/tag` : `${name}/pr`;
}
