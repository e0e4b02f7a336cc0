import { compileYaml } from '../compiler/compile-yaml.js';

const of = (from: string) =>
  compileYaml(`name: x
stages:
  - { name: build, steps: [{ name: s, run: a, artifacts: dist }] }
  - { name: use, steps: [{ name: t, run: b, artifacts_from: ${from} }] }
`);

describe('artifacts_from', () => {
  it.each([
    ['build', [{ stage: 'build' }]],
    ['[build, { stage: build, step: s }]', [{ stage: 'build' }, { stage: 'build', step: 's' }]],
    ['{ pipeline: lib, branch: main }', [{ pipeline: 'lib', branch: 'main' }]],
  ])('%s', (from, sources) => {
    const { plan, problems } = of(from);
    expect(problems).toEqual([]);
    expect(plan?.stages[1]?.steps[0]?.artifactsFrom).toEqual(sources);
  });

  it.each([
    ['deploy', 'unknown_stage'],
    ['{ step: s }', 'missing_key'],
    ['{ pipeline: lib }', 'missing_key'],
    ['{ stage: build, branch: main }', 'missing_key'],
    ['{ from: build }', 'unknown_key'],
  ])('refuses %s: %s', (from, code) => {
    expect(of(from).problems.map((problem) => problem.code)).toContain(code);
  });

  it('leaves stages of other pipelines to the run', () => {
    expect(of('{ pipeline: lib, branch: main, stage: there }').problems).toEqual([]);
  });
});
