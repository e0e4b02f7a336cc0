import { compileYaml } from '../compiler/compile-yaml.js';
import type { StagePlan } from '../plan/plan.js';

const stageOf = (keys: string, steps: string): StagePlan | undefined => {
  const yaml = `name: p\nstages:\n  - { name: build, steps: [{ run: x }] }\n  - { name: ship, ${keys}, steps: ${steps} }\n`;
  const { plan, problems } = compileYaml(yaml);
  expect(problems).toEqual([]);
  return plan?.stages[1];
};
const needsOf = (stage: StagePlan | undefined) =>
  Object.fromEntries((stage?.steps ?? []).map(({ name, needs }) => [name, needs]));

describe('the approval of a stage', () => {
  it('is a first step that asks, as one that is written out', () => {
    const short = stageOf('approval: { message: m, roles: admin }', '[{ run: x }, { run: y }]');
    const long = stageOf(
      'needs: build',
      '[{ name: approval, approval: { message: m, roles: admin } }, { name: step-1, run: x }, { name: step-2, run: y }]',
    );
    expect(short?.steps).toEqual(long?.steps);
    expect(short?.steps[0]).toMatchObject({
      name: 'approval',
      action: { kind: 'approval', message: 'm', required: 1 },
      retry: { max: 0 },
    });
  });

  it.each([
    ['approval: m', { approval: [], a: ['approval'], b: ['approval'], c: ['b'] }],
    ['approval: m, parallel: true', { approval: [], a: ['approval'], b: ['approval'], c: ['b'] }],
    ['approval: m, needs: []', { approval: [], a: ['approval'], b: ['approval'], c: ['b'] }],
  ])('stands before all its steps: %s', (keys, expected) => {
    const steps =
      '[{ name: a, run: x }, { name: b, needs: [], run: x }, { name: c, needs: b, run: x }]';
    expect(needsOf(stageOf(keys, steps))).toEqual(expected);
  });

  it('has its inputs as outputs, and another name where a step has its own', () => {
    const stage = stageOf(
      'approval: { message: m, inputs: { v: { type: string } } }',
      '[{ name: approval, run: x, environment: { V: "${{ steps.approval-.outputs.v }}" } }]',
    );
    expect(stage?.steps.map(({ name, outputs }) => [name, outputs])).toEqual([
      ['approval-', ['v']],
      ['approval', []],
    ]);
  });

  it('is checked as that of a step is', () => {
    const problemsOf = (approval: string) =>
      compileYaml(
        `name: p\nstages:\n  - { name: s, approval: ${approval}, steps: [{ run: x }] }\n`,
      ).problems.map(({ code, path }) => `${code} ${path}`);
    expect(problemsOf('{ roles: [admin] }')).toEqual(['missing_key stages[0].approval']);
    expect(problemsOf('{ message: m, title: t }')).toEqual([
      'unknown_key stages[0].approval.title',
    ]);
    expect(problemsOf('"${{ steps.no.outputs.x }}"')).toEqual(['unknown_step stages[0].approval']);
  });
});
