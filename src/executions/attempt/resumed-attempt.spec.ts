import { Logger } from '@nestjs/common';
import { executionReasons } from '../record/execution-reasons.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { AttemptBench, WORKER } from './attempt.fixture.js';

Logger.overrideLogger(false);

const INTERRUPT = { kind: 'interrupt', reason: executionReasons.workerStopped('w') } as const;
const yaml = (head: string): string => `
name: p
${head}
stages:
  - { name: one, when: "trigger.event == 'manual'", steps: [{ name: x, run: ok }] }
  - { name: two, when: "true", steps: [{ name: x, run: wait }] }
always: [{ name: tidy, run: ok }]
`;

describe('an attempt after one that was interrupted in its second stage', () => {
  let bench: AttemptBench;
  afterEach(async () => {
    await bench.close();
  });

  async function interrupted(head: string): Promise<ExecutionRecord> {
    bench = new AttemptBench(yaml(head));
    const { attempt, stored, execution } = await bench.begin();
    const end = attempt.run();
    await bench.started(2);
    attempt.stop(INTERRUPT);
    expect(await end).toBe('requeued');
    // Not at the next interval: what was told last is stored when the execution is given back.
    expect(stored().stages.map(({ status }) => status)).toEqual(['success', 'running']);
    return execution;
  }

  /** Claims it once more, and interrupts it when so many processes of steps were started in all. */
  async function again({ _id }: ExecutionRecord, started: number): Promise<ExecutionRecord> {
    const claimed = await bench.executions.claim(_id, WORKER);
    if (!claimed) throw new Error('not claimed');
    const attempt = bench.attempts.create(claimed);
    const end = attempt.run();
    await bench.started(started);
    attempt.stop(INTERRUPT);
    expect(await end).toBe('requeued');
    return bench.executions.stored(_id);
  }

  it('with resume keeps the first, says so, and keeps what its `when` came to', async () => {
    const execution = await interrupted('resume: true');
    const finishedAt = bench.executions.stored(execution._id).stages[0]?.finished_at;
    const second = await again(execution, 3);
    expect(bench.processes.started).toHaveLength(3);
    const reason = { code: 'kept', data: { attempt: 1 } };
    expect(second.stages[0]).toMatchObject({
      status: 'success',
      reason,
      execution_attempt: 1,
      finished_at: finishedAt,
      steps: [{ status: 'success', reason, exit_code: 0, attempts: [{ status: 'success' }] }],
    });
    expect(second.stages[1]).toMatchObject({ execution_attempt: 2 });
    expect(bench.traces.map(({ stage, step }) => [stage, step])).toEqual([
      ['one', null],
      ['two', null],
    ]);
    const third = await again(execution, 4);
    expect(third.stages[0]).toMatchObject({ reason, execution_attempt: 1 });
    expect(bench.traces.filter(({ stage }) => stage === 'one')).toHaveLength(1);
  });

  it('without runs both again', async () => {
    const execution = await interrupted('');
    const second = await again(execution, 4);
    expect(second.stages[0]).toMatchObject({
      reason: { code: 'started' },
      execution_attempt: 2,
    });
  });
});
