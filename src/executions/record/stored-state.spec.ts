import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import type { AttemptFacts, RunState } from '../../engine/plan/run-state.js';
import { context, start } from '../../engine/runtime/run-plan.fixture.js';
import { earlierRun, parseRun, storedRun, type StoredRun } from './stored-state.js';

const TIME = '2026-01-02T03:04:05.678Z';
const date = new Date(TIME);
const FACTS: AttemptFacts = {
  image: { name: 'node:22', digest: 'sha256:1' },
  caches: [{ name: 'npm', restored: { code: 'cache_hit', message: 'hit' } }],
  artifacts: { files: 1, bytes: 2 },
  tests: { total: 1, passed: 1, failed: 0, error: 0, skipped: 0, flaky: 0 },
};

function step(name: string): StoredRun['always'][number] {
  return {
    name,
    status: 'success',
    reason: { code: 'started', message: 'x', data: { started_at: TIME } },
    started_at: date,
    finished_at: null,
    duration: null,
    exit_code: 0,
    continued_on_error: false,
    flaky: false,
    outputs: { started_at: TIME, finished_at: TIME },
    attempts: [
      {
        number: 1,
        status: 'success',
        reason: null,
        started_at: date,
        finished_at: date,
        duration: 0,
        exit_code: 0,
        signal: null,
      },
    ],
  };
}

describe('a run that went through JSON', () => {
  it('has its dates again, and nothing else that looks like one', () => {
    const run = {
      started_at: date,
      checkout: step('checkout'),
      stages: [
        {
          name: 'main',
          status: 'success' as const,
          reason: null,
          started_at: date,
          finished_at: date,
          duration: 0,
          steps: [step('a')],
        },
      ],
      on_failure: [step('b')],
      always: [step('c')],
      failure: null,
      commit: null,
    };
    expect(parseRun(JSON.stringify(run))).toEqual(run);
  });
});

describe('a stored run', () => {
  it('is, for an attempt that begins from it, what was stored', async () => {
    const { plan } = compileYaml(`
name: p
stages:
  - { name: a, steps: [{ name: x, run: a, outputs: [v], retry: 1 }, { name: y, run: b, when: "false" }] }
  - { name: b, steps: [{ name: z, run: c, continue_on_error: true }] }
  - { name: c, steps: [{ name: z, run: d }] }
`);
    if (!plan) throw new Error('does not compile');
    const run = start(plan, {
      context: context({ executionAttempt: 3 }),
      script: ({ attempt: { address }, progress }) => {
        progress.begin('command');
        progress.tell(FACTS);
        if (address.stage === 'a' && address.attempt === 1) {
          return { kind: 'infrastructure', reason: { code: 'not_started', message: 'no' } };
        }
        return address.stage === 'a'
          ? { kind: 'success', exitCode: 0, outputs: { v: '1' } }
          : { kind: 'failed', exitCode: 137, signal: 'SIGKILL' };
      },
    });
    // Its first step is tried again after a second.
    await run.clock.advance(1_000);
    const { state } = await run.result;
    const whole: RunState = { ...state, commit: { sha: 's', message: 'm', author: 'a' } };
    expect(whole.stages[1]?.steps[0]?.attempts[0]).toMatchObject(FACTS);
    const again = earlierRun(storedRun(whole));
    expect(plain(again)).toEqual(plain({ stages: whole.stages, commit: whole.commit }));
  });
});

/** Without what is undefined, false or empty: these are left out of a state. */
function plain(value: unknown): unknown {
  const isLeftOut = (item: unknown): boolean =>
    item === undefined || item === false || JSON.stringify(item) === '{}';
  return JSON.parse(
    JSON.stringify(value, (_key, item: unknown) => (isLeftOut(item) ? undefined : item)),
  );
}
