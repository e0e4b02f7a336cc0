import type { Plan, StagePlan, StepPlan } from '../../engine/plan/plan.js';
import { executionPath } from './execution-path.js';
import type { StoredRun, StoredStage, StoredStep } from './stored-state.js';

const now = new Date(1_000);

const stepPlan = (name: string, needs: string[] = []) => ({ name, needs }) as unknown as StepPlan;
const stagePlan = (name: string, needs: string[], steps: StepPlan[]) =>
  ({ name, needs, steps }) as unknown as StagePlan;
const plan = (stages: StagePlan[], hooks: Partial<Plan> = {}) =>
  ({ stages, onFailure: [], always: [], ...hooks }) as unknown as Plan;

const step = (name: string, from: number | null, to: number | null = null) =>
  ({
    name,
    started_at: from === null ? null : new Date(from),
    finished_at: to === null ? null : new Date(to),
  }) as unknown as StoredStep;
const stage = (name: string, ...steps: StoredStep[]) => ({ name, steps }) as unknown as StoredStage;
const run = (stages: StoredStage[], more: Partial<StoredRun> = {}): StoredRun => ({
  checkout: null,
  stages,
  on_failure: [],
  always: [],
  failure: null,
  commit: null,
  ...more,
});
const names = (...args: Parameters<typeof executionPath>) =>
  executionPath(...args).map((part) => `${part.stage}/${part.step}`);

describe('executionPath', () => {
  it('goes over stages, the checkout and hooks', () => {
    const stages = [
      stagePlan('build', [], [stepPlan('a'), stepPlan('b', ['a'])]),
      stagePlan('test', ['build'], [stepPlan('unit'), stepPlan('e2e')]),
    ];
    const path = executionPath(
      plan(stages, { always: [stepPlan('tidy')] }),
      run(
        [
          stage('build', step('a', 10, 20), step('b', 21, 30)),
          stage('test', step('unit', 31, 40), step('e2e', 31, 90)),
        ],
        { checkout: step('checkout', 0, 8), always: [step('tidy', 92, 95)] },
      ),
      now,
    );
    expect(path).toEqual([
      { stage: '', step: 'checkout', waited_ms: 0, duration_ms: 8 },
      { stage: 'build', step: 'a', waited_ms: 2, duration_ms: 10 },
      { stage: 'build', step: 'b', waited_ms: 1, duration_ms: 9 },
      { stage: 'test', step: 'e2e', waited_ms: 1, duration_ms: 59 },
      { stage: 'always', step: 'tidy', waited_ms: 2, duration_ms: 3 },
    ]);
  });

  it('passes stages whose steps did not run', () => {
    const stages = [
      stagePlan('build', [], [stepPlan('a')]),
      stagePlan('skipped', ['build'], [stepPlan('x')]),
      stagePlan('deploy', ['skipped'], [stepPlan('go')]),
    ];
    const states = [
      stage('build', step('a', 0, 10)),
      stage('skipped', step('x', null)),
      stage('deploy', step('go', 11, 12)),
    ];
    expect(names(plan(stages), run(states), now)).toEqual(['build/a', 'deploy/go']);
  });

  it('ends, while it runs, with what still runs', () => {
    const stages = [stagePlan('build', [], [stepPlan('a'), stepPlan('b')])];
    const states = [stage('build', step('a', 0, 990), step('b', 5))];
    expect(executionPath(plan(stages), run(states), now)).toEqual([
      { stage: 'build', step: 'b', waited_ms: 0, duration_ms: 995 },
    ]);
  });

  it('takes two steps of one name in two stages for two', () => {
    const stages = [
      stagePlan('one', [], [stepPlan('same')]),
      stagePlan('two', ['one'], [stepPlan('same')]),
    ];
    const states = [stage('one', step('same', 0, 5)), stage('two', step('same', 5, 9))];
    expect(names(plan(stages), run(states), now)).toEqual(['one/same', 'two/same']);
  });

  it('is empty before anything ran', () => {
    expect(executionPath(plan([stagePlan('s', [], [stepPlan('a')])]), run([]), now)).toEqual([]);
  });
});
