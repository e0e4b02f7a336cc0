import { standIn } from '../../../test/support/stand-in.js';
import type { Reason } from '../../engine/plan/run-state.js';
import type { StopRequest } from '../../engine/runtime/run-ports.js';
import { executionReasons } from '../record/execution-reasons.js';
import { pendingExecution } from '../record/execution.fixture.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { MemoryExecutions } from '../record/memory-executions.fixture.js';
import type { ExecutionAttempt } from './execution-attempt.js';
import { RunningAttempts } from './running-attempts.js';

const WORKER = { id: 'w', name: 'w' };

describe('RunningAttempts', () => {
  let executions: MemoryExecutions;
  let running: RunningAttempts;
  let heard: Map<string, (string | undefined)[]>;

  beforeEach(() => {
    executions = new MemoryExecutions();
    running = new RunningAttempts(executions.repository);
    heard = new Map();
  });

  async function begin(): Promise<ExecutionRecord> {
    const { _id } = pendingExecution();
    await executions.insert(pendingExecution({ _id }));
    await executions.claim(_id, WORKER);
    const execution = executions.stored(_id);
    const said: (string | undefined)[] = [];
    heard.set(_id, said);
    running.add(
      execution,
      standIn<ExecutionAttempt>({
        stop: ({ kind, reason }: StopRequest) => said.push(`${kind}: ${reason.message}`),
        fence: ({ code }: Reason) => said.push(`fence: ${code}`),
      }),
    );
    return execution;
  }

  it('lets one of two jobs of an execution claim it', async () => {
    expect(running.beginClaim('e')).toBe(true);
    expect(running.beginClaim('e')).toBe(false);
    running.endClaim('e');
    expect(running.beginClaim('e')).toBe(true);
    const { _id } = await begin();
    expect(running.beginClaim(_id)).toBe(false);
  });

  it('holds what runs here under its very number, and what it is about to claim', async () => {
    const { _id } = await begin();
    expect([running.holds(_id, 1), running.holds(_id, 2)]).toEqual([true, false]);
    running.remove(_id);
    expect(running.holds(_id, 1)).toBe(false);
    running.beginClaim(_id);
    expect(running.holds(_id, 7)).toBe(true);
  });

  it('cancels the execution whose cancel is stored, and no other', async () => {
    const [one, other] = [await begin(), await begin()];
    await executions.requestCancel(one._id, { at: new Date(), by: 'ada', reason: 'wrong' });
    await running.check([one._id]);
    expect(heard.get(one._id)).toEqual(['cancel: Cancelled by ada: wrong.']);
    expect(heard.get(other._id)).toEqual([]);
  });

  it('asks for all that runs here when nobody is named', async () => {
    const ids = [(await begin())._id, (await begin())._id];
    for (const id of ids) await executions.requestCancel(id, { at: new Date(), by: 'ada' });
    await running.check();
    expect(ids.map((id) => heard.get(id))).toEqual([
      ['cancel: Cancelled by ada.'],
      ['cancel: Cancelled by ada.'],
    ]);
  });

  it('asks the database nothing about executions of others', async () => {
    executions.failure = new Error('asked');
    await expect(running.check(['somewhere else'])).resolves.toBeUndefined();
  });

  it('fences an attempt whose execution was taken, ended, or runs as another one', async () => {
    const [requeued, ended, taken] = [await begin(), await begin(), await begin()];
    const back = {
      reason: executionReasons.workerLost('w', 1),
      placements: [],
      enqueueNumber: 2,
      workersLost: 1,
    };
    const hold = ({ _id }: ExecutionRecord) => ({ executionId: _id, fence: 1 });
    await executions.requeue(hold(requeued), back);
    executions.patch(ended._id, { status: 'failed' });
    await executions.requeue(hold(taken), back);
    await executions.claim(taken._id, { id: 'w2', name: 'w2' });
    await running.check();
    expect([...heard.values()]).toEqual(Array(3).fill(['fence: lease_lost']));
  });

  it('leaves alone what continues', async () => {
    const { _id } = await begin();
    await running.check();
    expect(heard.get(_id)).toEqual([]);
  });

  it('interrupts all when the worker stops, and fences all when it is lost', async () => {
    const { _id } = await begin();
    running.interruptAll(executionReasons.workerStopped('w'));
    running.fenceAll();
    expect(heard.get(_id)).toEqual([
      expect.stringMatching(/^interrupt: The worker w was stopped/) as string,
      'fence: lease_lost',
    ]);
  });

  it('knows which attempt could not tell its end', async () => {
    const execution = await begin();
    expect(running.hasFailed(execution)).toBe(false);
    running.noteFailed(execution);
    expect(running.hasFailed(execution)).toBe(true);
    expect(running.hasFailed({ ...execution, attempt: 2 })).toBe(false);
  });
});
