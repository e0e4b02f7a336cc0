import { WrittenTerminal } from '../../../test/support/written-text.js';
import type { RunState } from '../../engine/plan/run-state.js';
import type { Execution } from '../api/wire-readers.js';
import { LiveProgress } from '../client/live-progress.js';
import { Progress } from './progress.js';

const reason = { code: 'exit_code', message: 'exit code 3' };
const skipped = { code: 'needs_failed', message: 'needs "b", which failed' };
const failure = { stage: 'main', step: 'b', reason };

/** What `run` has in its memory. */
const state = {
  ...{ status: 'failed', startedAt: 1_000, finishedAt: 13_000, onFailure: [], always: [] },
  stages: [
    {
      ...{ name: 'main', status: 'failed', startedAt: 1_000, finishedAt: 12_500, reason },
      steps: [
        { name: 'a', status: 'success', startedAt: 1_000, finishedAt: 1_484, attempts: [] },
        { name: 'b', status: 'failed', startedAt: 1_500, finishedAt: 12_500, reason },
        { name: 'c', status: 'skipped', reason: skipped },
        { name: 'd', status: 'success', startedAt: 1_000, finishedAt: 1_001, flaky: true },
      ],
    },
  ],
  failure: { ...failure, lastLines: ['bad'] },
} as unknown as RunState;

/** What a server answers of the same. */
const execution = {
  ...{ status: 'failed', duration: 12_000, reason, on_failure: [], always: [] },
  stages: [
    {
      ...{ name: 'main', status: 'failed', duration: 11_500, reason },
      steps: [
        { name: 'a', status: 'success', duration: 484, reason: null, attempts: [] },
        { name: 'b', status: 'failed', duration: 11_000, reason, attempts: [] },
        { name: 'c', status: 'skipped', duration: null, reason: skipped, attempts: [] },
        { name: 'd', status: 'success', duration: 1, reason: null, flaky: true, attempts: [] },
      ],
    },
  ],
  failure: { ...failure, last_lines: ['bad'] },
} as unknown as Execution;

it('run and trigger end in the same way: the tree with times, the failure, the result', () => {
  const [here, there] = [new WrittenTerminal(), new WrittenTerminal()];
  new Progress(here.terminal).sum(state);
  new LiveProgress(there.terminal).sum(execution, (command) => `./millrace ${command}`);
  expect(here.err).toBe(`
failed    main  11.5 s
success     a  484 ms
failed      b  11.0 s  exit code 3
skipped     c  needs "b", which failed
success     d  1 ms  passed after a retry

First failure: main/b: exit code 3
  | bad

failed    Result  12.0 s
`);
  expect(there.err).toBe(here.err);
});
