import { Logger } from '@nestjs/common';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RESERVED_SEQS } from '../../logs/store/log-fence.js';
import { LOST_MARKER } from '../../logs/write/log-writer.js';
import { MissingKeyError } from '../../secrets/encryption/keyring.js';
import { executionReasons } from '../record/execution-reasons.js';
import { CloneAccess } from './steps/clone-access.js';
import { RegistryAccess } from './steps/registry-access.js';
import { AttemptBench } from './attempt.fixture.js';

Logger.overrideLogger(false);

const STAGES = (run: string) => `
name: p
stages:
  - { name: one, steps: [{ name: x, run: ok }] }
  - { name: two, when: "true", steps: [{ name: x, run: ${run} }] }
always: [{ name: tidy, run: ok }]
`;
const CANCEL = { kind: 'cancel', reason: executionReasons.cancelled('ada', 'wrong') } as const;
const INTERRUPT = { kind: 'interrupt', reason: executionReasons.workerStopped('w') } as const;

describe('ExecutionAttempt', () => {
  let bench: AttemptBench;

  function open(run: string): AttemptBench {
    bench = new AttemptBench(STAGES(run));
    return bench;
  }
  afterEach(() => bench.close());

  it('settles an execution with its state, its log and its traces', async () => {
    const { attempt, stored } = await open('ok').begin();
    expect(await attempt.run()).toBe('settled');
    expect(stored()).toMatchObject({
      status: 'success',
      stages: [{ status: 'success' }, { status: 'success', steps: [{ exit_code: 0 }] }],
      always: [{ status: 'success' }],
      logs: ['one', 'two', 'one', 'two', 'one', 'two'],
      last_seq: 6,
    });
    expect(stored().finished_at).not.toBeNull();
    expect(await bench.log(stored())).toEqual([
      ...['1 one', '2 two', '3 one', '4 two', '5 one', '6 two'],
    ]);
    expect(bench.traces.map(({ stage }) => stage)).toContain('two');
    expect(await bench.metrics.registry.metrics()).toMatch(
      /executions_finished_total\{status="success"\} 1/,
    );
  });

  it('settles a failed one as failed', async () => {
    const { attempt, stored } = await open('fail').begin();
    expect(await attempt.run()).toBe('settled');
    expect(stored()).toMatchObject({
      status: 'failed',
      stages: [{ status: 'success' }, { status: 'failed', steps: [{ exit_code: 3 }] }],
      failure: { stage: 'two', step: 'x', last_lines: ['oh no'] },
      always: [{ status: 'success' }],
    });
  });

  it('runs nothing, hooks neither, when a secret is missing, and says which', async () => {
    open('ok').secrets = { kind: 'missing', names: ['A_KEY', 'B_KEY'] };
    const { attempt, stored } = await bench.begin();
    expect(await attempt.run()).toBe('settled');
    expect(stored()).toMatchObject({
      status: 'failed',
      reason: { code: 'secret_missing', data: { secrets: ['A_KEY', 'B_KEY'] } },
      stages: [{ status: 'skipped' }, { status: 'skipped' }],
      always: [{ status: 'skipped' }],
      last_seq: 0,
    });
    expect(bench.processes.started).toEqual([]);
  });

  it('runs nothing when a secret is not for such a run, and says why', async () => {
    const rules = { events: ['push'], protected: false, why: 'event' } as const;
    open('ok').secrets = {
      kind: 'withheld',
      secrets: [{ name: 'A_KEY', scope: 'pipeline', ...rules }],
      run: { event: 'manual', unprotected: undefined },
    };
    const { attempt, stored } = await bench.begin();
    expect(await attempt.run()).toBe('settled');
    expect(stored()).toMatchObject({
      status: 'failed',
      reason: {
        code: 'secret_withheld',
        message: 'The secret A_KEY of the pipeline is only for push; this run is of manual.',
        data: { event: 'manual', secrets: [{ name: 'A_KEY', scope: 'pipeline', ...rules }] },
      },
      stages: [{ status: 'skipped' }, { status: 'skipped' }],
      last_seq: 0,
    });
    expect(bench.processes.started).toEqual([]);
  });

  it('names the key that a secret was encrypted with, if it is not here', async () => {
    open('ok').secrets = { kind: 'unreadable', name: 'A_KEY', keyId: 'k7' };
    const { attempt, stored } = await bench.begin();
    expect(await attempt.run()).toBe('settled');
    expect(stored().reason).toMatchObject({
      code: 'secret_unreadable',
      data: { secret: 'A_KEY', key: 'k7' },
    });
  });

  it('runs nothing when its plan, or what its trigger gave, cannot be opened', async () => {
    const missing = new MissingKeyError('k7');
    for (const unreadable of [missing, undefined]) {
      open('ok').planFailure = unreadable ? undefined : missing;
      const { attempt, stored } = await bench.begin({ ...(unreadable && { unreadable }) });
      expect(await attempt.run()).toBe('settled');
      expect(stored()).toMatchObject({
        status: 'failed',
        reason: { code: 'encrypted_unreadable', data: { key: 'k7' } },
      });
      expect(bench.processes.started).toEqual([]);
    }
  });

  it('gives secrets to the steps that name them, and masks them in all that it tells', async () => {
    bench = new AttemptBench(`
name: p
stages:
  - name: one
    when: "env.A_KEY != 'x'"
    secrets: A_KEY
    steps: [{ name: x, run: leak, secrets: [B_KEY] }, { name: y, run: ok }]
  - { name: two, steps: [{ name: x, run: fail_leaking }] }
`);
    bench.secrets = {
      kind: 'values',
      values: { A_KEY: 'hunter2-secret', B_KEY: 'the other one' },
      access: CloneAccess.none,
      registries: RegistryAccess.none,
    };
    const { attempt, stored } = await bench.begin({
      trigger_info: {
        trigger_type: 'push',
        triggered_by: 'ada',
        timestamp: new Date(),
        event: {
          delivery_id: 'd',
          repository_id: 'r',
          repository: 'acme/shop',
          default_branch: 'main',
          fork: false,
          message: 'now with hunter2-secret',
          title: 'the other one',
        },
      },
    });
    expect(await attempt.run()).toBe('settled');
    const given = bench.processes.started.map(({ environment }) => [
      environment['A_KEY'],
      environment['B_KEY'],
      environment['CI_COMMIT_MESSAGE'],
    ]);
    const message = 'now with hunter2-secret';
    expect(given).toEqual([
      ['hunter2-secret', 'the other one', message],
      ['hunter2-secret', undefined, message],
      [undefined, undefined, message],
    ]);
    expect(stored()).toMatchObject({
      status: 'failed',
      failure: { last_lines: ['***'] },
      trigger_info: { event: { message: 'now with ***', title: '***' } },
    });
    const told = JSON.stringify([stored(), bench.traces, await bench.log(stored())]);
    expect(told).not.toMatch(/hunter2|the other one/);
    expect(told).toContain('it is ***');
  });

  it('tells steps where its execution is', async () => {
    bench = new AttemptBench('name: p\nsteps: [ok]\n');
    const { attempt, stored } = await bench.begin();
    await attempt.run();
    expect(bench.processes.started[0]?.environment['CI_EXECUTION_URL']).toBe(
      `https://ci.example.org/api/ci/executions/${stored()._id}`,
    );
  });

  it('hides a secret that it learns of in the middle, in all that it tells from then on', async () => {
    const yaml = `
name: p
environment: { TOKEN: hunter2-secret }
stages:
  - name: one
    when: "env.TOKEN == 'hunter2-secret'"
    steps: [{ name: x, run: leak }]
  - name: two
    steps:
      - name: clone
        step_type: github
        continue_on_error: true # there is no folder to clone into in this bench
        config: { repository_url: "https://u:\${{ env.TOKEN }}@h/r", working_directory: d }
  - { name: three, steps: [{ name: x, run: fail_leaking }] }
`;
    bench = new AttemptBench(yaml);
    const { attempt, stored } = await bench.begin();
    expect(await attempt.run()).toBe('settled');
    expect(await bench.log(stored())).toEqual([
      // Sent before anybody could know.
      '1 it is hunter2-secret',
      '2 ***',
    ]);
    const { logs, failure } = stored();
    expect(logs).toEqual(['it is ***', '***']);
    expect(failure?.last_lines).toEqual(['***']);
    expect(bench.traces[0]?.trace).toMatchObject({
      expression: "env.TOKEN == '***'",
      parts: expect.arrayContaining([{ text: 'env.TOKEN', value: '***' }]),
    });
  });

  it('hides it at the end in what it told before', async () => {
    bench = new AttemptBench(`
name: p
environment: { TOKEN: hunter2-secret }
stages:
  - { name: one, steps: [{ name: x, run: fail_leaking }] }
  - name: two
    when: failure()
    steps:
      - name: clone
        step_type: github
        config: { repository_url: "https://u:\${{ env.TOKEN }}@h/r", working_directory: d }
`);
    const { attempt, stored } = await bench.begin();
    await attempt.run();
    expect(stored().failure?.last_lines).toEqual(['***']);
  });

  it('hides in the reason of a cancel what the log hides', async () => {
    const { attempt, stored, execution } = await open('ok').begin({
      clone_url: 'https://u:hunter2-secret@h/r',
    });
    const request = { at: new Date(), by: 'ada', reason: 'hunter2-secret' };
    await bench.executions.requestCancel(execution._id, request);
    await attempt.run();
    expect(stored().reason?.message).toBe('Cancelled by ada: ***.');
  });

  it('ends a running step when it is cancelled, and tells it cancelled, not failed', async () => {
    const { attempt, stored } = await open('wait').begin();
    const end = attempt.run();
    await bench.started(2);
    attempt.stop(CANCEL);
    expect(await end).toBe('settled');
    expect(bench.processes.killed).toHaveLength(1);
    expect(stored()).toMatchObject({
      status: 'cancelled',
      reason: { code: 'cancelled_by_user', message: 'Cancelled by ada: wrong.' },
      stages: [
        { status: 'success' },
        {
          status: 'cancelled',
          steps: [{ status: 'cancelled', attempts: [{ status: 'cancelled' }] }],
        },
      ],
      always: [{ status: 'success' }],
    });
  });

  it('ends cancelled by the word of the request, when that came after the last step', async () => {
    const { attempt, stored, execution } = await open('ok').begin();
    await bench.executions.requestCancel(execution._id, { at: new Date(), by: 'ada' });
    expect(await attempt.run()).toBe('settled');
    expect(stored()).toMatchObject({
      status: 'cancelled',
      reason: { message: 'Cancelled by ada.' },
      stages: [{ status: 'success' }, { status: 'success' }],
    });
  });

  it('gives the execution back when it is interrupted, at no cost of a retry', async () => {
    const { attempt, stored } = await open('wait').begin({ workers_lost: 1 });
    const end = attempt.run();
    await bench.started(2);
    attempt.stop(INTERRUPT);
    expect(await end).toBe('requeued');
    // Whoever takes it finds nothing of this attempt.
    expect(bench.offered).toEqual([{ enqueue_number: 2, folders: 0 }]);
    expect(bench.processes.swept).toHaveLength(1);
    await attempt.cleanUp();
    expect(bench.processes.swept).toHaveLength(1);
    expect(stored()).toMatchObject({
      status: 'pending',
      reason: { code: 'worker_stopped' },
      enqueue_number: 2,
      workers_lost: 1,
      placements: [{ worker_id: 'w1', last_seq: 3, reason: { code: 'worker_stopped' } }],
    });
    expect(bench.processes.killed).toHaveLength(1);
    expect(await bench.log(stored())).toEqual(['1 one', '2 two', '3 waits']);
  });

  it('cancels although it was interrupted before', async () => {
    const { attempt, stored, execution } = await open('wait').begin();
    const end = attempt.run();
    await bench.started(2);
    await bench.executions.requestCancel(execution._id, { at: new Date(), by: 'ada' });
    attempt.stop(INTERRUPT);
    attempt.stop(CANCEL);
    expect(await end).toBe('settled');
    expect(stored()).toMatchObject({
      status: 'cancelled',
      reason: { message: 'Cancelled by ada: wrong.' },
      stages: [
        { status: 'success' },
        { status: 'cancelled', steps: [{ attempts: [{ number: 1 }] }] },
      ],
      last_seq: 3,
      placements: [{ worker_id: 'w1' }],
    });
    expect(bench.offered).toEqual([]);
  });

  it('writes nothing once its execution was taken from it', async () => {
    const { attempt, stored } = await open('wait').begin();
    const end = attempt.run();
    await bench.started(2);
    const before = stored();
    attempt.fence(executionReasons.leaseLost());
    expect(await end).toBe('fenced');
    expect(stored()).toBe(before);
    expect(bench.processes.killed).toHaveLength(1);
  });

  it('loses to the attempt that was claimed after it', async () => {
    const { attempt, stored, execution } = await open('wait').begin();
    const end = attempt.run();
    await bench.started(2);
    const hold = { executionId: execution._id, fence: 1 };
    const back = { placements: stored().placements, enqueueNumber: 2, workersLost: 1 };
    await bench.executions.requeue(hold, { ...back, reason: executionReasons.workerLost('w', 1) });
    await bench.executions.claim(execution._id, { id: 'w2', name: 'w2' });
    attempt.stop(CANCEL);
    expect(await end).toBe('fenced');
    expect(stored()).toMatchObject({ status: 'running', attempt: 2, finished_at: null });
  });

  it('continues with the log of an attempt that never closed its own', async () => {
    const before = {
      claim_id: 'c',
      worker_id: 'w0',
      worker_name: 'w0',
      claimed_at: new Date(),
      last_seq: 4,
      log_lost: true,
    };
    const { attempt, stored } = await open('ok').begin({ attempt: 1, placements: [before] });
    await attempt.run();
    const first = 5 + RESERVED_SEQS;
    expect((await bench.log(stored())).slice(0, 2)).toEqual([
      `${first} ${LOST_MARKER}`,
      `${first + 1} one`,
    ]);
  });

  it('says why it has no workspace', async () => {
    const { attempt, stored } = await open('ok').begin();
    writeFileSync(join(bench.base, 'w'), 'a file in the place of the folder');
    expect(await attempt.run()).toBe('settled');
    expect(stored()).toMatchObject({
      status: 'failed',
      reason: { code: 'workspace_failed', data: { code: 'EEXIST' } },
      stages: [{ status: 'skipped' }, { status: 'skipped' }],
      last_seq: 0,
    });
    await expect(attempt.cleanUp()).resolves.toBeUndefined();
    rmSync(join(bench.base, 'w'));
  });

  it("ends the execution for a defect of Millrace's own", async () => {
    const { attempt, stored } = await open('ok').begin();
    bench.planFailure = new Error('plan h is not stored');
    expect(await attempt.run()).toBe('settled');
    expect(stored()).toMatchObject({ status: 'failed', reason: { code: 'internal_error' } });
  });

  it('rejects when its end cannot be told', async () => {
    const { attempt } = await open('wait').begin();
    const end = attempt.run();
    await bench.started(2);
    bench.executions.failure = new Error('the document is damaged');
    attempt.stop(CANCEL);
    await expect(end).rejects.toThrow('damaged');
  });

  it('ends what it left running before it removes the workspace', async () => {
    const { attempt, execution } = await open('ok').begin();
    await attempt.run();
    const folder = join(bench.base, 'w');
    let folders: string[] = [];
    const sweep = bench.processes.sweep.bind(bench.processes);
    jest.spyOn(bench.processes, 'sweep').mockImplementation((group) => {
      folders = readdirSync(folder);
      return sweep(group);
    });
    await attempt.cleanUp();
    expect(bench.processes.swept).toEqual([`spec-${execution._id}.1`]);
    expect(folders).toHaveLength(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is cleaned up, as far as that goes, when the sweep fails', async () => {
    const { attempt } = await open('ok').begin();
    await attempt.run();
    jest.spyOn(bench.processes, 'sweep').mockRejectedValue(new Error('no launcher'));
    await expect(attempt.cleanUp()).resolves.toBeUndefined();
    expect(readdirSync(join(bench.base, 'w'))).toHaveLength(1);
  });
});
