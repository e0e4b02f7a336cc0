import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import type { ExecutionPlacer } from '../placement/execution-placer.js';
import { executionReasons } from '../record/execution-reasons.js';
import { pendingExecution } from '../record/execution.fixture.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { MemoryExecutions } from '../record/memory-executions.fixture.js';
import { RequeueExecution } from './requeue-execution.js';

Logger.overrideLogger(false);

const WORKER = { id: 'w', name: 'host-1' };
const rest = {
  reason: executionReasons.workerStopped('host-1'),
  lastSeq: 7,
  isLogLost: false,
  costsRetry: false,
};

describe('RequeueExecution', () => {
  let executions: MemoryExecutions;
  let requeuing: RequeueExecution;
  let events: string[];
  let execution: ExecutionRecord;

  beforeEach(async () => {
    executions = new MemoryExecutions();
    events = [];
    const placer = standIn<ExecutionPlacer>({
      offer: async ({ _id, enqueue_number }) => {
        events.push(`offer ${enqueue_number} of ${executions.stored(_id).status}`);
        return true;
      },
    });
    requeuing = new RequeueExecution(executions.repository, placer);
    const { _id } = pendingExecution();
    await executions.insert(pendingExecution({ _id }));
    const claimed = await executions.claim(_id, WORKER);
    if (!claimed) throw new Error('not claimed');
    execution = claimed;
  });

  const stored = () => executions.stored(execution._id);

  it('gives it back with what its attempt told, and offers it when nothing of that is alive', async () => {
    const trigger_info = { ...execution.trigger_info, branch: 'main' };
    const result = await requeuing.requeue({ ...execution, trigger_info }, rest, async () => {
      events.push(`clean up while ${stored().status}`);
    });
    expect(result).toBe('requeued');
    expect(events).toEqual(['clean up while pending', 'offer 2 of pending']);
    expect(stored()).toMatchObject({
      reason: { code: 'worker_stopped' },
      enqueue_number: 2,
      workers_lost: 0,
      trigger_info: { branch: 'main' },
      placements: [{ worker_id: 'w', last_seq: 7, reason: { code: 'worker_stopped' } }],
    });
    expect(stored().placements[0]).not.toHaveProperty('log_lost');
  });

  it('counts a retry where it costs one, and says that lines may be missing', async () => {
    await requeuing.requeue(execution, { ...rest, isLogLost: true, costsRetry: true });
    expect(stored()).toMatchObject({ workers_lost: 1, placements: [{ log_lost: true }] });
  });

  it('refuses what somebody wants cancelled, and says so', async () => {
    await executions.requestCancel(execution._id, { at: new Date(), by: 'ada' });
    expect(await requeuing.requeue(execution, rest)).toBe('cancel_requested');
    expect(stored().status).toBe('running');
    expect(events).toEqual([]);
  });

  it('refuses an attempt that does not hold it any more', async () => {
    await requeuing.requeue(execution, rest);
    expect(await requeuing.requeue(execution, rest)).toBe('fenced');
    await executions.claim(execution._id, WORKER);
    expect(await requeuing.requeue(execution, rest)).toBe('fenced');
    executions.patch(execution._id, { status: 'failed', attempt: 1 });
    expect(await requeuing.requeue(execution, rest)).toBe('fenced');
    expect(await requeuing.requeue({ ...execution, _id: 'no such execution' }, rest)).toBe(
      'fenced',
    );
    expect(events).toEqual(['offer 2 of pending']);
  });
});
