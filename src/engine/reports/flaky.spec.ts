import { type CaseOutcomes, flakyCases, type StepOutcomes } from './flaky.js';

const one = (tries: CaseOutcomes['tries'], change: Partial<CaseOutcomes> = {}): CaseOutcomes => ({
  suite: 's',
  className: 'c',
  name: 'n',
  tries,
  ...change,
});
let clock = 0;
const ran = (
  tries: CaseOutcomes['tries'] | readonly CaseOutcomes[],
  change: Partial<StepOutcomes> = {},
): StepOutcomes => ({
  pipeline: 'p',
  stage: 'test',
  step: 'unit',
  commit: 'c1',
  execution: 'e1',
  attempt: '1.1',
  isFork: false,
  at: new Date((clock += 1000)),
  cases: tries.map((tried) => (typeof tried === 'string' ? one([tried]) : tried)),
  ...change,
});
const found = async (...outcomes: StepOutcomes[]): Promise<string[]> =>
  (await flakyCases(outcomes)).map(({ name, failed, passed }) => `${name} ${failed} ${passed}`);

const NO_COMMIT = { commit: undefined };

describe('which cases are flaky', () => {
  it.each<[string, StepOutcomes[]]>([
    ['in attempts of a step', [ran(['failed']), ran(['passed'], { attempt: '1.2' })]],
    ['the other way round', [ran(['passed']), ran(['failed'], { attempt: '1.2' })]],
    ['in retries within a report', [ran([one(['failed', 'passed'])])]],
    [
      'in tries of one execution without a commit',
      [ran(['failed'], NO_COMMIT), ran(['passed'], NO_COMMIT)],
    ],
    ['in re-runs at that commit', [ran(['failed']), ran(['passed'], { execution: 'e2' })]],
    ['by an error', [ran(['error']), ran(['passed'])]],
  ])('%s', async (_where, outcomes) => {
    expect(await found(...outcomes)).toEqual(['n 1 1']);
  });

  it.each<[string, StepOutcomes[]]>([
    ['a break and its fix', [ran(['failed']), ran(['passed'], { commit: 'c2' })]],
    ['two failures', [ran(['failed']), ran(['failed'])]],
    ['a skip', [ran(['failed']), ran(['skipped'])]],
    ['another cell', [ran(['failed'], { cell: '20' }), ran(['passed'], { cell: '22' })]],
    ['a cell and none', [ran(['failed'], { cell: '20' }), ran(['passed'])]],
    ['another step', [ran(['failed']), ran(['passed'], { step: 'e2e' })]],
    ['another stage', [ran(['failed']), ran(['passed'], { stage: 'nightly' })]],
    ['another pipeline', [ran(['failed']), ran(['passed'], { pipeline: 'q' })]],
    ['another suite', [ran([one(['failed'])]), ran([one(['passed'], { suite: 't' })])]],
    ['another class', [ran([one(['failed'])]), ran([one(['passed'], { className: 'd' })])]],
    ['another file', [ran([one(['failed'])]), ran([one(['passed'], { file: 'f' })])]],
    ['a fork', [ran(['failed'], { isFork: true }), ran(['passed'])]],
    ['a fork alone', [ran([one(['failed', 'passed'])], { isFork: true })]],
    [
      'executions of no known commit',
      [ran(['failed'], NO_COMMIT), ran(['passed'], { ...NO_COMMIT, execution: 'e2' })],
    ],
  ])('not: %s', async (_what, outcomes) => {
    expect(await found(...outcomes)).toEqual([]);
  });

  it('counts only at commits at which it did both, and says where it was seen last', async () => {
    const [flaky, ...others] = await flakyCases([
      ran(['failed'], { commit: 'broken' }),
      ran(['passed'], { commit: 'mended' }),
      ran(['failed'], { execution: 'later', attempt: '1.3', at: new Date(9e6), cell: '20' }),
      ran([one(['failed', 'error', 'passed'])], { cell: '20' }),
      ran(['failed'], {
        commit: 'c2',
        cell: '20',
        execution: 'e7',
        attempt: '2.1',
        at: new Date(9e7),
      }),
      ran([one(['skipped', 'passed'])], { commit: 'c2', cell: '20', at: new Date(8e7) }),
      ran(['skipped'], { commit: 'c2', cell: '20', at: new Date(95e6) }),
      ran(['failed'], { commit: 'c3', cell: '20', at: new Date(9e8) }),
    ]);
    expect(others).toEqual([]);
    expect(flaky).toEqual({
      pipeline: 'p',
      stage: 'test',
      step: 'unit',
      cell: '20',
      suite: 's',
      className: 'c',
      name: 'n',
      failed: 4,
      passed: 2,
      commits: 2,
      lastSeen: { commit: 'c2', execution: 'e7', attempt: '2.1', at: new Date(9e7) },
    });
  });

  it('the worst first, then the latest', async () => {
    const named = (name: string, tries: CaseOutcomes['tries']) => one(tries, { name });
    const outcomes = [
      ran([named('rare', ['failed', 'passed'])], { at: new Date(1e9) }),
      ran([named('late', ['failed', 'passed'])], { at: new Date(2e9) }),
      ran([named('often', ['failed', 'failed', 'passed'])], { at: new Date(1) }),
    ];
    expect(await found(...outcomes)).toEqual(['often 2 1', 'late 1 1', 'rare 1 1']);
  });
});
