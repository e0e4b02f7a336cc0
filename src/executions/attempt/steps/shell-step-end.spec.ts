import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ShellAction } from '../../../engine/steps/shell/shell-action.js';
import type { StepAttempt } from '../../../engine/runtime/step-handler.js';
import {
  FakeProcessRunner,
  type FakeScript,
} from '../../../integrations/process/fake-process-runner.js';
import type { ProcessExit } from '../../../integrations/process/process-runner.js';
import { ShellStepHandler } from './shell-step.handler.js';
import { StepHost } from './step-environment.js';

const attempt: StepAttempt<ShellAction> = {
  address: { stage: 's', step: 'x', attempt: 1 },
  action: { kind: 'shell', shell: 'sh', commands: ['do it'] },
  environment: { PATH: '/bin', LARGE: 'x'.repeat(100) },
  outputs: [],
};
const never = new Promise<ProcessExit>(() => undefined);

/** With a process in memory, where `shell-step.handler.spec.ts` has real ones. */
describe('how a shell step ends', () => {
  let directory: string;
  let abort: AbortController;
  let lines: string[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mr-step-'));
    abort = new AbortController();
    lines = [];
  });
  afterEach(() => {
    jest.useRealTimers();
    rmSync(directory, { recursive: true, force: true });
  });

  function run(script: FakeScript, work = directory) {
    const runner = new FakeProcessRunner(() => script);
    const owner = undefined;
    const workspace = { root: directory, directory: work, home: '', temporary: '', owner };
    const output = {
      open: (_address: unknown, stream: string) => ({
        write: (bytes: Buffer): true => {
          lines.push(`${stream} ${bytes.toString()}`);
          return true;
        },
        end: () => undefined,
      }),
      systemLine: (_address: unknown, text: string) => lines.push(`system ${text}`),
    };
    const host = new StepHost(workspace);
    const handler = new ShellStepHandler(runner, workspace, 'g', output, host);
    return { runner, end: handler.run(attempt, abort.signal) };
  }

  it.each([
    [
      { kind: 'exited', exitCode: 0 },
      { kind: 'success', exitCode: 0 },
    ],
    [
      { kind: 'exited', exitCode: 7 },
      { kind: 'failed', exitCode: 7 },
    ],
    [
      { kind: 'signalled', signal: 'SIGKILL' },
      { kind: 'failed', exitCode: 137, signal: 'SIGKILL' },
    ],
    [
      { kind: 'lost', message: 'm' },
      { kind: 'infrastructure', reason: { code: 'process_lost' } },
    ],
    [
      { kind: 'not_started', code: 'EAGAIN', message: 'm' },
      { kind: 'infrastructure', reason: { code: 'not_started', data: { code: 'EAGAIN' } } },
    ],
    [
      { kind: 'not_started', code: 'ENOENT', message: 'm', directory: 'd' },
      { kind: 'failed', reason: { code: 'working_directory_missing' } },
    ],
    [
      { kind: 'not_started', code: 'E2BIG', message: 'm' },
      {
        kind: 'failed',
        isFinal: true,
        reason: { code: 'environment_too_large', data: { variable: 'LARGE', bytes: 107 } },
      },
    ],
  ] as const)('%j', async (exit, outcome) => {
    expect(await run({ exit }).end).toMatchObject(outcome);
  });

  it('says that the workspace is gone, when it is', async () => {
    const script: FakeScript = { exit: { kind: 'not_started', code: 'ENOENT', message: 'm' } };
    expect(await run(script, join(directory, 'gone')).end).toMatchObject({
      kind: 'failed',
      reason: { message: expect.stringContaining('is gone') },
    });
  });

  it('is not failed, but aborted, when the signal that ended it was ours', async () => {
    const { runner, end } = run({ exit: never });
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    expect(await end).toEqual({ kind: 'aborted', exitCode: 143, signal: 'SIGTERM', outputs: {} });
    expect(runner.killed).toEqual(['g/1']);
  });

  it('is aborted also when it is stopped before it runs', async () => {
    abort.abort();
    expect(await run({ exit: never }).end).toMatchObject({ kind: 'aborted' });
  });

  it('is aborted, not successful, when it ends well at our signal', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    let exitWell: (exit: ProcessExit) => void = () => undefined;
    const { end } = run({
      exit: new Promise((resolve) => (exitWell = resolve)),
      ignoresTerm: true,
    });
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    exitWell({ kind: 'exited', exitCode: 0 });
    await jest.advanceTimersByTimeAsync(8_000);
    expect(await end).toEqual({ kind: 'aborted', exitCode: 0, outputs: {} });
  });

  it('keeps the true end of a process that ended before our signal', async () => {
    const { runner, end } = run({ exit: { kind: 'exited', exitCode: 0 } });
    expect(await end).toMatchObject({ kind: 'success' });
    abort.abort();
    expect(runner.killed).toEqual([]);
  });

  it('waits 2 s for what a child of it may still print, and says that it drops the rest', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    const { end } = run({
      stdout: ['a'],
      exit: { kind: 'exited', exitCode: 0 },
      leavesChild: true,
    });
    await new Promise((resolve) => setImmediate(resolve));
    await jest.advanceTimersByTimeAsync(2_000);
    expect(await end).toMatchObject({ kind: 'success' });
    expect(lines).toEqual(['stdout a', expect.stringMatching(/^system A background process/)]);
  });
});
