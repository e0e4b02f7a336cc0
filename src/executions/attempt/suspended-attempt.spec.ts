import { Logger } from '@nestjs/common';
import {
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
  readlinkSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { executionReasons } from '../record/execution-reasons.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import type { StepAnswer } from '../record/suspension.js';
import { SnapshotError } from '../suspension/workspace-snapshots.js';
import { AttemptBench, WORKER } from './attempt.fixture.js';
import type { ExecutionAttempt } from './execution-attempt.js';
import { CloneAccess } from './steps/clone-access.js';
import { RegistryAccess } from './steps/registry-access.js';

Logger.overrideLogger(false);

const YAML = `
name: p
stages:
  - name: release
    steps:
      - { name: build, run: ok }
      - name: ask
        approval:
          message: "Deploy \${{ pipeline.name }}?"
          roles: [admin]
          timeout: 1h
          inputs: { version: { type: string } }
      - { name: ship, run: ok, environment: { V: "\${{ steps.ask.outputs.version }}" } }
always: [{ name: tidy, run: ok }]
`;
const INTERRUPT = { kind: 'interrupt', reason: executionReasons.workerStopped('w') } as const;
const CANCEL = { kind: 'cancel', reason: executionReasons.cancelled('ada', undefined) } as const;
const ASKED = { stage: 'release', step: 'ask', attempt: 1 };
const YES: StepAnswer = {
  ...{ ...ASKED, kind: 'approved', reason: { code: 'approved', message: 'approved by grace' } },
  inputs: [{ name: 'version', value: '1.4' }],
};
const NO: StepAnswer = {
  ...{ ...ASKED, kind: 'rejected', inputs: [] },
  reason: { code: 'approval_rejected', message: 'grace rejected it' },
};

describe('an attempt that reaches an approval', () => {
  let bench: AttemptBench;
  beforeEach(() => {
    bench = new AttemptBench(YAML);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await bench.close();
  });

  /** Processes of steps, and none that is at work in their folders. */
  const steps = () => bench.processes.started.filter(({ args }) => args[2] !== 'sh');

  async function suspended(): Promise<ExecutionRecord> {
    const { attempt, stored } = await bench.begin();
    expect(await attempt.run()).toBe('suspended');
    return stored();
  }

  /** Answers, and claims it for another worker. */
  async function claimed(
    execution: ExecutionRecord,
    answer: StepAnswer,
  ): Promise<ExecutionAttempt> {
    const hold = { executionId: execution._id, fence: execution.attempt };
    const reason = executionReasons.answered(['ask']);
    const decided = { approvals: 0, answers: [answer], enqueueNumber: 2, reason, waited: 7 };
    expect(await bench.executions.resume(hold, decided)).toBe(true);
    const again = await bench.executions.claim(execution._id, { ...WORKER, id: 'w2' });
    if (!again) throw new Error('not claimed');
    return bench.attempts.create(again);
  }

  it('lets it wait, tells what is asked, and holds nothing', async () => {
    const execution = await suspended();
    expect(execution).toMatchObject({
      status: 'waiting',
      reason: {
        code: 'suspended',
        data: { waits_for: 'approval', stage: 'release', step: 'ask', roles: ['admin'] },
      },
      placements: [{ last_seq: execution.last_seq, reason: { code: 'suspended' } }],
      suspension: { attempt: 1, answers: [], continued_in: null },
      keeps_workspace: true,
      finished_at: null,
    });
    expect(execution.stages[0]).toMatchObject({
      status: 'waiting',
      steps: [
        { status: 'success' },
        {
          status: 'waiting',
          reason: { code: 'approval_needed' },
          attempts: [
            { number: 1, status: 'waiting', approval: { message: 'Deploy p?', required: 1 } },
          ],
        },
        { status: 'waiting' },
      ],
    });
    expect(await bench.workspaces.list()).toEqual([]);
    expect(bench.waiting).toEqual([execution._id]);
    expect(steps()).toHaveLength(1);
  });

  it('is continued by another one: what ran does not run again, and no line is missing', async () => {
    const attempt = await claimed(await suspended(), YES);
    expect(await attempt.run()).toBe('settled');
    await attempt.cleanUp();
    const [execution] = bench.executions.all();
    if (!execution) throw new Error('not stored');
    expect(execution).toMatchObject({ status: 'success', attempt: 2, workers_lost: 0 });
    expect(execution.stages[0]?.steps).toMatchObject([
      { status: 'success', attempts: [{ number: 1 }] },
      { status: 'success', outputs: { version: '1.4' }, attempts: [{ number: 1 }] },
      { status: 'success' },
    ]);
    expect(steps()).toHaveLength(3);
    expect(steps()[1]?.environment).toMatchObject({ V: '1.4' });
    const lines = await bench.log(execution);
    expect(lines.map((line) => Number(line.split(' ')[0]))).toEqual(lines.map((_, n) => n + 1));
    expect(lines.filter((line) => line.endsWith(' one'))).toHaveLength(3);
    expect(lines).toContainEqual(expect.stringContaining('approved by grace'));
  });

  it('masks a secret as it was before, also where it has another value by then', async () => {
    await bench.close();
    bench = new AttemptBench(YAML.replace('name: ship, run: ok', 'name: ship, run: leak'));
    const given = (value: string) => {
      bench.secrets = {
        ...({ kind: 'values', values: { A_KEY: value } } as const),
        ...{ access: CloneAccess.none, registries: RegistryAccess.none },
      };
    };
    given('hunter2-secret');
    const execution = await suspended();
    given('another-value');
    expect(await (await claimed(execution, YES)).run()).toBe('settled');
    const lines = (await bench.log(bench.executions.stored(execution._id))).join('\n');
    expect(lines).toContain('it is ***');
    expect(lines).not.toContain('hunter2-secret');
  });

  it('restores files, modes and links, in the workspace and at home', async () => {
    const { attempt, execution } = await bench.begin();
    const { keep: real } = bench.snapshots;
    jest.spyOn(bench.snapshots, 'keep').mockImplementation(async (...args) => {
      const { directory, home } = args[2];
      mkdirSync(join(directory, 'a/empty'), { recursive: true });
      mkdirSync(join(directory, 'a/.git'));
      writeFileSync(join(directory, 'a/.git/HEAD'), 'ref');
      writeFileSync(join(directory, 'a/run.sh'), 'x', { mode: 0o755 });
      writeFileSync(join(directory, 'a/read-only'), 'x', { mode: 0o444 });
      symlinkSync('run.sh', join(directory, 'a/link'));
      symlinkSync('/etc/passwd', join(directory, 'a/outward'));
      writeFileSync(join(home, '.npmrc'), 'y');
      return real.apply(bench.snapshots, args);
    });
    expect(await attempt.run()).toBe('suspended');
    const log = await bench.log(bench.executions.stored(execution._id));
    expect(log).toContainEqual(expect.stringContaining('not kept while it waits: a/outward'));
    const seen: string[] = [];
    const next = await claimed(bench.executions.stored(execution._id), YES);
    const { restore } = bench.snapshots;
    jest.spyOn(bench.snapshots, 'restore').mockImplementation(async (...args) => {
      await restore.apply(bench.snapshots, args);
      const { directory, home } = args[2];
      seen.push(
        readFileSync(join(directory, 'a/.git/HEAD'), 'utf8'),
        readlinkSync(join(directory, 'a/link')),
        (statSync(join(directory, 'a/run.sh')).mode & 0o777).toString(8),
        (statSync(join(directory, 'a/read-only')).mode & 0o777).toString(8),
        String(statSync(join(directory, 'a/empty')).isDirectory()),
        readFileSync(join(home, '.npmrc'), 'utf8'),
      );
    });
    expect(await next.run()).toBe('settled');
    expect(seen).toEqual(['ref', 'run.sh', '755', '444', 'true', 'y']);
    await next.cleanUp();
    expect(await bench.workspaces.list()).toEqual([]);
  });

  it('fails as after any failure when it is rejected', async () => {
    const attempt = await claimed(await suspended(), NO);
    expect(await attempt.run()).toBe('settled');
    const [execution] = bench.executions.all();
    expect(execution).toMatchObject({
      status: 'failed',
      failure: { step: 'ask', reason: { code: 'approval_rejected' } },
      always: [{ status: 'success' }],
    });
    expect(steps()).toHaveLength(2);
  });

  it('fails its step, and continues by that, when the workspace cannot be kept', async () => {
    jest.spyOn(bench.snapshots, 'keep').mockRejectedValue(new SnapshotError('too large'));
    const { attempt, stored } = await bench.begin();
    expect(await attempt.run()).toBe('settled');
    expect(stored()).toMatchObject({
      status: 'failed',
      failure: { step: 'ask', reason: { code: 'snapshot_failed' } },
      always: [{ status: 'success' }],
    });
  });

  it('lets a snapshot end when its worker stops', async () => {
    const { attempt, stored } = await bench.begin();
    const { keep } = bench.snapshots;
    jest.spyOn(bench.snapshots, 'keep').mockImplementation((...args) => {
      attempt.stop(INTERRUPT);
      return keep.apply(bench.snapshots, args);
    });
    expect(await attempt.run()).toBe('suspended');
    expect(stored().status).toBe('waiting');
  });

  it('is cancelled, with its hooks, when that is wanted while the snapshot is made', async () => {
    const { attempt, stored, execution } = await bench.begin();
    const { keep } = bench.snapshots;
    jest.spyOn(bench.snapshots, 'keep').mockImplementation(async (...args) => {
      await bench.executions.requestCancel(execution._id, { at: new Date(), by: 'ada' });
      attempt.stop(CANCEL);
      return keep.apply(bench.snapshots, args);
    });
    expect(await attempt.run()).toBe('settled');
    expect(stored()).toMatchObject({ status: 'cancelled', always: [{ status: 'success' }] });
  });

  it('is cancelled when that was wanted before it could wait', async () => {
    const { attempt, stored, execution } = await bench.begin();
    const { suspend } = bench.executions;
    jest.spyOn(bench.executions, 'suspend').mockImplementation(async (...args) => {
      await bench.executions.requestCancel(execution._id, { at: new Date(), by: 'ada' });
      return suspend.apply(bench.executions, args);
    });
    expect(await attempt.run()).toBe('settled');
    expect(stored()).toMatchObject({
      status: 'cancelled',
      reason: { code: 'cancelled_by_user' },
    });
    expect(stored().stages[0]?.steps[1]).toMatchObject({ status: 'cancelled' });
  });

  it('gives it back at no cost when its worker stops while it restores', async () => {
    const attempt = await claimed(await suspended(), YES);
    jest.spyOn(bench.snapshots, 'restore').mockImplementation(async (...args) => {
      attempt.stop(INTERRUPT);
      args[4].throwIfAborted();
    });
    expect(await attempt.run()).toBe('requeued');
    const [execution] = bench.executions.all();
    expect(execution).toMatchObject({
      status: 'pending',
      workers_lost: 0,
      suspension: { answers: [YES], continued_in: null },
    });
    expect(execution?.stages[0]?.steps[0]?.status).toBe('success');
  });

  it('ends it when what was kept is gone', async () => {
    const execution = await suspended();
    await bench.snapshots.removeBefore(execution._id, 99);
    const attempt = await claimed(execution, YES);
    expect(await attempt.run()).toBe('settled');
    expect(bench.executions.stored(execution._id)).toMatchObject({
      status: 'failed',
      reason: { code: 'snapshot_lost' },
    });
    expect(steps()).toHaveLength(1);
  });

  it('keeps outputs sealed, and as they are', async () => {
    const execution = await suspended();
    const stored = JSON.stringify(execution.suspension);
    expect(stored).not.toContain('release');
    expect(execution.suspension?.sealed).toMatch(/^v1\./);
  });
});
