import { randomBytes, randomUUID } from 'node:crypto';
import { firstUuidAt } from '../../common/ids/uuid.js';
import { executionReasons } from './execution-reasons.js';
import type { ExecutionRecord } from './execution.schema.js';

/** An execution that waits for a worker, as `trigger` stores it, for tests. */
export function pendingExecution(changes: Partial<ExecutionRecord> = {}): ExecutionRecord {
  const now = changes.created_at ?? new Date();
  return {
    // Not `uuidV7`, which never goes back in time.
    _id: `${firstUuidAt(now.getTime()).slice(0, -12)}${randomBytes(6).toString('hex')}`,
    pipeline_id: randomUUID(),
    pipeline_name: 'p',
    pipeline_version: 1,
    number: null,
    plan_hash: 'h',
    status: 'pending',
    reason: executionReasons.queued(),
    trigger_info: { trigger_type: 'manual', triggered_by: 'test', timestamp: now },
    clone_url: null,
    inputs: {},
    environment: {},
    queue: 'any',
    enqueue_number: 1,
    queued_at: now,
    attempt: 0,
    placements: [],
    workers_lost: 0,
    cancel_requested: null,
    rerun_of: null,
    started_at: null,
    finished_at: null,
    duration: null,
    checkout: null,
    stages: [],
    on_failure: [],
    always: [],
    failure: null,
    commit: null,
    logs: [],
    last_log_chunk: null,
    last_seq: 0,
    created_at: now,
    updated_at: now,
    ...changes,
  };
}

/**
 * An execution that is over: accepted at `created_at`, begun `queueMs` later, at its end after
 * `durationMs`.
 */
export function endedExecution(
  status: 'success' | 'failed' | 'cancelled' | 'timeout',
  changes: Partial<ExecutionRecord> = {},
  { queueMs = 10, durationMs = 100 } = {},
): ExecutionRecord {
  const created = changes.created_at ?? new Date();
  const started_at = new Date(created.getTime() + queueMs);
  const finished_at = new Date(started_at.getTime() + durationMs);
  return pendingExecution({
    created_at: created,
    status,
    reason: null,
    attempt: 1,
    started_at,
    finished_at,
    duration: durationMs,
    ...changes,
  });
}
