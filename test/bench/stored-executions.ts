import mongoose from 'mongoose';
import { firstUuidAt } from '../../src/common/ids/uuid.js';
import { endedExecution } from '../../src/executions/record/execution.fixture.js';
import type { ExecutionRecord } from '../../src/executions/record/execution.schema.js';
import type { StoredStep } from '../../src/executions/record/stored-state.js';

const BATCH = 1_000;
/** Batches under way at once. */
const AT_ONCE = 4;
/** Between two executions: 100,000 of them are a month. */
const INTERVAL_MS = 26_000;
const PIPELINES = 16;

/** Pipeline `n` has twice as many executions as pipeline `n - 1`: the last one half of all. */
export function pipelineId(n: number): string {
  return `${firstUuidAt(1_000).slice(0, -2)}${String(n).padStart(2, '0')}`;
}

/** An id of each kind that `fill` stored. */
export interface Filled {
  readonly middle: string;
  readonly newest: string;
}

/** Stores so many finished executions, straight into the database, newest now. */
export async function fill(uri: string, databaseName: string, count: number): Promise<Filled> {
  const connection = await mongoose
    .createConnection(uri, { dbName: databaseName, retryWrites: false, maxPoolSize: AT_ONCE })
    .asPromise();
  try {
    const executions = connection.collection<ExecutionRecord>('executions');
    const now = Date.now();
    let writing: Promise<unknown>[] = [];
    for (let start = 0; start < count; start += BATCH) {
      const size = Math.min(BATCH, count - start);
      const batch = Array.from({ length: size }, (_item, n) => execution(start + n, count, now));
      writing.push(executions.insertMany(batch, { ordered: false }));
      if (writing.length < AT_ONCE) continue;
      await Promise.all(writing);
      writing = [];
    }
    await Promise.all(writing);
    return { middle: idOf(count >> 1, count, now), newest: idOf(count - 1, count, now) };
  } finally {
    await connection.close();
  }
}

function idOf(n: number, count: number, now: number): string {
  const at = now - (count - n) * INTERVAL_MS;
  return `${firstUuidAt(at).slice(0, -12)}${n.toString(16).padStart(12, '0')}`;
}

/** What number `n` is, is spread evenly by a multiplicative hash. */
function execution(n: number, count: number, now: number): ExecutionRecord {
  const spread = (Math.imul(n + 1, 2_654_435_761) >>> 0) / 2 ** 32;
  const other = (Math.imul(n + 1, 2_246_822_519) >>> 0) / 2 ** 32;
  const created_at = new Date(now - (count - n) * INTERVAL_MS);
  const status: 'success' | 'failed' | 'cancelled' =
    spread < 0.9 ? 'success' : spread < 0.98 ? 'failed' : 'cancelled';
  const order = Math.min(PIPELINES - 1, Math.floor(-Math.log2(1 - other)));
  const times = { started_at: created_at, finished_at: created_at, duration: 12 };
  const started = { code: 'started', message: 'Nothing stands before it.' };
  const attempt = { number: 1, status, reason: null, ...times, exit_code: 0, signal: null };
  const step: StoredStep = {
    ...{ name: 'greet', status, reason: started, ...times, exit_code: 0 },
    ...{ continued_on_error: false, flaky: false, outputs: {}, attempts: [attempt] },
  };
  return endedExecution(status, {
    _id: idOf(n, count, now),
    created_at,
    pipeline_id: pipelineId(PIPELINES - 1 - order),
    trigger_info: {
      trigger_type: 'manual',
      triggered_by: 'bench',
      timestamp: created_at,
      branch: spread < 0.6 ? 'main' : `feature-${n % 50}`,
    },
    stages: [{ name: 'main', status, reason: started, ...times, steps: [step, step] }],
    logs: ['hello'],
    last_seq: 1,
  });
}
