import { ownTime } from '../../../test/support/own-time.js';
import { compileYaml } from './compile-yaml.js';
import { hashPlan } from './hash-plan.js';
import type { Plan } from '../plan/plan.js';

function planOf(yaml: string): Plan {
  const { plan, problems } = compileYaml(yaml);
  if (plan === undefined) throw new Error(JSON.stringify(problems, null, 1));
  return plan;
}

const stagesYaml = `
name: shop
retry_count: 1
environment: { VERSION: 1.10, DEBUG: true }
runs_on: [linux, gpu, linux]
defaults: { shell: bash }
stages:
  - name: build
    steps:
      - { name: install, run: npm ci, outputs: [version] }
      - { name: compile, run: [a, b], timeout: 90, shell: sh }
      - { name: note, run: c, needs: [] }
      - { name: last, run: d }
  - name: test
    parallel: 2
    retry_count: 3
    timeout: 1h30m
    steps: [one, { name: two, run: x, needs: [step-1], retry: { max: 2, on: timeout } }, three]
  - { name: docs, needs: [], steps: [echo], parallel: true }
  - { name: release, steps: [echo], when: "\${{ trigger.branch == 'main' }}" }
on_failure: [{ run: collect }]
always: [cleanup, { run: more, when: failure() }]
`;

describe('plans', () => {
  const plan = planOf(stagesYaml);

  it('write the needs of stages out', () => {
    expect(
      plan.stages.map(({ name, needs, explicitNeeds }) => [name, needs, explicitNeeds]),
    ).toEqual([
      ['build', [], false],
      ['test', ['build'], false],
      ['docs', [], true],
      ['release', ['build', 'test', 'docs'], false],
    ]);
  });

  it('write the needs of steps out: the step above in the text, none in a parallel stage', () => {
    const needs = plan.stages.map((stage) => stage.steps.map((step) => [step.name, step.needs]));
    expect(needs[0]).toEqual([
      ['install', []],
      ['compile', ['install']],
      ['note', []],
      ['last', ['note']],
    ]);
    expect(needs[1]).toEqual([
      ['step-1', []],
      ['two', ['step-1']],
      ['step-3', []],
    ]);
    expect(plan.stages.map((stage) => stage.maxParallel)).toEqual([4, 2, 1, 1]);
  });

  it('apply defaults from step over stage to pipeline', () => {
    const [build, test] = plan.stages;
    expect(build?.steps.map((step) => step.retry.max)).toEqual([1, 1, 1, 1]);
    expect(test?.steps.map((step) => step.retry.max)).toEqual([3, 2, 3]);
    expect(test?.steps[1]?.retry).toEqual({
      max: 2,
      on: ['timeout'],
      backoff: { initialMs: 1000, factor: 2, maxMs: 60_000 },
    });
    expect(build?.steps.map((step) => step.action)).toEqual([
      { kind: 'shell', commands: ['npm ci'], shell: 'bash' },
      { kind: 'shell', commands: ['a', 'b'], shell: 'sh' },
      { kind: 'shell', commands: ['c'], shell: 'bash' },
      { kind: 'shell', commands: ['d'], shell: 'bash' },
    ]);
    expect(plan).toMatchObject({ timeoutMs: 3_600_000, retryCount: 1, runsOn: ['gpu', 'linux'] });
    expect(build?.steps[1]?.timeoutMs).toBe(90_000);
    expect(test?.timeoutMs).toBe(5_400_000);
  });

  it('keep values as they are written and expressions without their braces', () => {
    expect(plan.environment).toEqual({ VERSION: '1.10', DEBUG: 'true' });
    expect(plan.stages[3]?.when).toBe("trigger.branch == 'main'");
  });

  it('hold the hooks in order, not retried unless told', () => {
    expect(plan.onFailure.map((step) => [step.name, step.retry.max])).toEqual([['step-1', 0]]);
    expect(plan.always.map((step) => [step.name, step.when])).toEqual([
      ['step-1', undefined],
      ['step-2', 'failure()'],
    ]);
  });

  it('are plain JSON', () => {
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    expect(JSON.stringify(plan)).not.toContain('undefined');
  });

  it('are the same for the same meaning in both forms', () => {
    const ours = planOf(
      'name: a\nstages: [{ name: s, when: always(), steps: [{ name: x, run: make, working_directory: api, environment: { A: b } }] }]',
    );
    const seed = planOf(
      'name: a\nstages: [{ name: s, condition: always(), steps: [{ name: x, step_type: shell, config: { command: make, working_directory: api, environment: { A: b } } }] }]',
    );
    expect(hashPlan(seed)).toBe(hashPlan(ours));
    const short = planOf('name: a\nsteps: [make]');
    const long = planOf('name: a\nstages: [{ name: main, steps: [make] }]');
    expect(short).toEqual(long);
  });

  it('hold git steps and the repository', () => {
    const git = planOf(
      'name: a\nrepository: https://h/r.git\nstages: [{ name: s, steps: [{ name: x, step_type: gitlab, config: { repository_url: "https://h/${{ env.R }}.git", commit: 0123abc, working_directory: lib } }] }]',
    );
    expect(git.repository).toEqual({ url: 'https://h/r.git' });
    expect(git.stages[0]?.steps[0]?.action).toEqual({
      kind: 'git',
      repository: { url: 'https://h/${{ env.R }}.git', commit: '0123abc' },
      directory: 'lib',
    });
  });

  it('name a step that has no name, also when the name is taken', () => {
    const taken = planOf('name: a\nsteps: [x, { name: step-1, run: y }]');
    expect(taken.stages[0]?.steps.map((step) => step.name)).toEqual(['step-1-', 'step-1']);
  });
});

describe('hashPlan', () => {
  it('depends on the plan only, not on the order of its keys', () => {
    const plan = planOf('name: a\nsteps: [make]');
    const turned = Object.fromEntries(Object.entries(plan).reverse()) as unknown as Plan;
    expect(hashPlan(turned)).toBe(hashPlan(plan));
    expect(hashPlan(plan)).toMatch(/^[0-9a-f]{64}$/);
    expect(hashPlan({ ...plan, name: 'b' })).not.toBe(hashPlan(plan));
  });
});

describe('limits', () => {
  const codes = (yaml: string) => compileYaml(yaml).problems.map((problem) => problem.code);
  const stages = (count: number) =>
    Array.from({ length: count }, (_, index) => `- { name: s${String(index)}, steps: [a] }\n`).join(
      '',
    );

  it('takes 1,000 steps and no more', () => {
    expect(codes(`name: a\nsteps:\n${'- echo\n'.repeat(1000)}`)).toEqual([]);
    expect(codes(`name: a\nsteps:\n${'- echo\n'.repeat(1001)}`)).toEqual(['too_many_steps']);
  });

  it('takes 200 stages in a row, and tells what to do about a plan over 500 KB', () => {
    expect(codes(`name: a\nstages:\n${stages(200)}`)).toEqual([]);
    expect(codes(`name: a\nstages:\n${stages(1000)}`)).toEqual(['plan_too_large']);
    const long = `- run: ${'x'.repeat(90_000)}\n`.repeat(6);
    expect(codes(`name: a\nsteps:\n${long}`)).toEqual(['plan_too_large']);
  });

  it('refuses a text over 1 MiB unread', () => {
    expect(codes(`name: a\n#${'x'.repeat(1_048_576)}`)).toEqual(['too_large']);
  });

  it('tells at most 100 problems and how many more there are', () => {
    const { problems } = compileYaml(`name: a\nsteps: [a]\n${keys(150)}`);
    expect(problems).toHaveLength(101);
    expect(problems.find(({ code }) => code === 'too_many_problems')?.message).toContain('50 more');
  });

  it('is bounded for hostile files', () => {
    const hostile = [
      '['.repeat(1_000_000),
      '{a: '.repeat(200_000),
      '- '.repeat(400_000),
      '? '.repeat(400_000),
      keys(70_000),
      `a: &a x\nb:\n${'- *a\n'.repeat(30_000)}`,
      '"'.repeat(1_000_000),
      '- !a !b\n'.repeat(100_000),
      '--- a\n'.repeat(100_000),
      '# x\n'.repeat(250_000),
    ];
    for (const text of hostile) {
      const took = ownTime(() => expect(compileYaml(text).plan).toBeUndefined());
      expect(took).toBeLessThan(5_000);
    }
  });
});

function keys(count: number): string {
  return Array.from({ length: count }, (_, index) => `k${String(index)}: 1\n`).join('');
}
