import { once } from 'node:events';
import { standIn } from '../../../../test/support/stand-in.js';
import type { ArtifactsPlan } from '../../../engine/plan/artifacts-plan.js';
import type { AttemptFacts } from '../../../engine/plan/run-state.js';
import { FakeHandler } from '../../../engine/runtime/run-plan.fixture.js';
import type { StepAttempt, StepOutcome } from '../../../engine/runtime/step-handler.js';
import { ObjectStoreError } from '../../../integrations/object-store/object-store.js';
import { ArtifactsTooLargeError } from '../../artifacts/artifact-keeper.js';
import { CollectingStepHandler } from './collecting-step.handler.js';
import { NoUpstreamError } from '../../artifacts/no-upstream.error.js';
import type { BroughtArtifacts } from './brought-artifacts.js';
import type { RunReports } from './run-reports.js';
import type { RunArtifacts } from './run-artifacts.js';

const SUCCESS: StepOutcome = { kind: 'success', exitCode: 0 };
const FAILED: StepOutcome = { kind: 'failed', exitCode: 3 };
const ABORTED: StepOutcome = { kind: 'aborted' };
const TESTS = { total: 3, passed: 2, failed: 1, error: 0, skipped: 0, flaky: 1 };
const AWAY: StepOutcome = { kind: 'infrastructure', reason: { code: 'c', message: 'm' } };

describe('CollectingStepHandler', () => {
  let kept: number;
  let phases: string[];
  let facts: AttemptFacts;
  let told: string[];
  let failure: Error | undefined;
  /** Other than of the artifacts. */
  let reportsFailure: Error | undefined;
  let isSlow: boolean;
  let abort: AbortController;

  beforeEach(() => {
    kept = 0;
    phases = [];
    facts = {};
    told = [];
    failure = undefined;
    reportsFailure = undefined;
    isSlow = false;
    abort = new AbortController();
  });

  function run(
    outcome: StepOutcome,
    when?: ArtifactsPlan['when'],
    { withReports = false, asks = false } = {},
  ): Promise<StepOutcome> {
    const artifacts = standIn<RunArtifacts>({
      keep: async (_address, _plan, signal) => {
        if (isSlow && !signal.aborted) await once(signal, 'abort');
        signal.throwIfAborted();
        if (failure) throw failure;
        kept += 1;
        return { files: 2, bytes: 30 };
      },
      tell: (_address, line) => void told.push(line),
    });
    const reports = standIn<RunReports>({
      keep: async () => {
        const thrown = reportsFailure ?? failure;
        if (thrown) throw thrown;
        kept += 10;
        return TESTS;
      },
      tell: (_address, line) => void told.push(line),
    });
    const brought = standIn<BroughtArtifacts>({
      bring: async () => {
        if (failure) throw failure;
        kept += 100;
      },
    });
    const handler = new CollectingStepHandler(
      new FakeHandler('shell', () => outcome),
      artifacts,
      reports,
      brought,
      { asServer: (work) => work() },
      20,
    );
    const attempt = {
      address: { stage: 's', step: 'x', attempt: 1 },
      action: { kind: 'shell' },
      ...(asks && { artifactsFrom: [{ stage: 'build' }] }),
      ...(withReports && { reports: { junit: ['*.xml'] } }),
      ...(when && { artifacts: { paths: ['dist'], when } }),
    } as StepAttempt;
    const progress = {
      begin: (phase: string) => void phases.push(phase),
      tell: (more: AttemptFacts) => void (facts = { ...facts, ...more }),
    };
    return handler.run(attempt, abort.signal, progress);
  }

  it('leaves steps without artifacts alone', async () => {
    expect(await run(SUCCESS)).toBe(SUCCESS);
    expect(phases).toEqual([]);
  });

  it.each([
    ['success', SUCCESS, 1],
    ['success', FAILED, 0],
    ['failure', SUCCESS, 0],
    ['failure', FAILED, 1],
    ['always', SUCCESS, 1],
    ['always', FAILED, 1],
    ['always', ABORTED, 0],
    ['always', AWAY, 0],
  ] as const)('when: %s after %j keeps %d', async (when, outcome, count) => {
    expect(await run(outcome, when)).toBe(outcome);
    expect(kept).toBe(count);
    const isOver = outcome.kind === 'success' || outcome.kind === 'failed';
    expect(phases).toEqual(isOver ? ['collect'] : []);
  });

  it('keeps what a try left whose limit has passed, as of a failure', async () => {
    abort.abort({ code: 'timeout' });
    expect(await run(ABORTED, 'failure')).toBe(ABORTED);
    expect(kept).toBe(1);
    expect(await run(ABORTED, 'success')).toBe(ABORTED);
    expect(kept).toBe(1);
  });

  it('is no success when they were not kept, and says why', async () => {
    failure = new ObjectStoreError('unreachable', 'no answer');
    expect(await run(SUCCESS, 'success')).toMatchObject({
      kind: 'infrastructure',
      reason: { code: 'artifacts_not_kept', data: { code: 'unreachable' } },
    });
    expect(told).toEqual(['the artifacts were not kept: no answer']);
    failure = new ArtifactsTooLargeError('more than 5 bytes');
    expect(await run(SUCCESS, 'success')).toMatchObject({
      kind: 'failed',
      isFinal: true,
      reason: { code: 'artifacts_too_large' },
    });
  });

  it('keeps the reason of a failure, also when its artifacts were not kept', async () => {
    failure = new Error('no');
    expect(await run(FAILED, 'always')).toBe(FAILED);
    expect(told).toHaveLength(1);
  });

  it('is aborted when it is stopped while it keeps them', async () => {
    abort.abort({ code: 'cancelled_by_user' });
    expect(await run(SUCCESS, 'success')).toEqual({ kind: 'aborted' });
  });

  it.each([
    [SUCCESS, 10],
    [FAILED, 10],
    [ABORTED, 0],
    [AWAY, 0],
  ] as const)('reads reports however the try ended: %j', async (outcome, count) => {
    expect(await run(outcome, undefined, { withReports: true })).toBe(outcome);
    expect(kept).toBe(count);
  });

  it('tells what was kept and what the tests said', async () => {
    await run(SUCCESS, 'success', { withReports: true });
    expect(facts).toEqual({ artifacts: { files: 2, bytes: 30 }, tests: TESTS });
  });

  it('is no success when reports were not stored', async () => {
    failure = new Error('no database');
    expect(await run(SUCCESS, undefined, { withReports: true })).toMatchObject({
      kind: 'infrastructure',
      reason: { code: 'reports_not_kept' },
    });
    expect(await run(FAILED, undefined, { withReports: true })).toBe(FAILED);
  });

  it('collects artifacts where reports were not stored, and the other way round', async () => {
    reportsFailure = new Error('no database');
    expect(await run(SUCCESS, 'success', { withReports: true })).toMatchObject({
      kind: 'infrastructure',
      reason: { code: 'reports_not_kept' },
    });
    expect(kept).toBe(1);
    failure = new ArtifactsTooLargeError('more than 5 bytes');
    expect(await run(SUCCESS, 'success', { withReports: true })).toMatchObject({
      kind: 'failed',
      reason: { code: 'artifacts_too_large' },
    });
    expect(await run(FAILED, 'always', { withReports: true })).toBe(FAILED);
    expect(told.slice(3)).toEqual([
      'they were not kept: no database',
      expect.stringContaining('MAX_ARTIFACTS_SIZE'),
    ]);
  });

  it('says that there was no time for them after a time limit, or that it was stopped', async () => {
    isSlow = true;
    abort.abort({ code: 'timeout' });
    expect(await run(ABORTED, 'always')).toBe(ABORTED);
    expect(told).toEqual([
      'the artifacts were not kept: it took longer than 60 s after the time limit of the step',
    ]);
    abort = new AbortController();
    const stopped = run(SUCCESS, 'success');
    abort.abort({ code: 'cancelled_by_user' });
    expect(await stopped).toEqual({ kind: 'aborted' });
    expect(told[1]).toBe('the artifacts were not kept: the step was ended meanwhile');
  });

  it('brings artifacts before the step runs', async () => {
    expect(await run(SUCCESS, undefined, { asks: true })).toBe(SUCCESS);
    expect(kept).toBe(100);
    expect(phases).toEqual(['restore']);
  });

  it('does not run without them, and tells what may come from what will not', async () => {
    failure = new NoUpstreamError('there are none');
    expect(await run(SUCCESS, undefined, { asks: true })).toMatchObject({
      kind: 'failed',
      isFinal: true,
      reason: { code: 'artifacts_missing' },
    });
    failure = new ObjectStoreError('unreachable', 'no answer');
    expect(await run(SUCCESS, undefined, { asks: true })).toMatchObject({
      kind: 'infrastructure',
      reason: { code: 'artifacts_not_brought' },
    });
    failure = new ObjectStoreError('not_found', 'expired');
    expect(await run(SUCCESS, undefined, { asks: true })).toMatchObject({ kind: 'failed' });
    expect(phases).toEqual(['restore', 'restore', 'restore']);
  });
});
