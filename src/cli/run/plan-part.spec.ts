import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import type { Plan } from '../../engine/plan/plan.js';
import { type PartFlags, partOfPlan } from './plan-part.js';

const { plan } = compileYaml(`
name: p
stages:
  - name: build
    steps: [{ name: install, run: a }, { name: make, run: b }, { name: pack, run: c }]
  - name: lint
    needs: []
    steps: [{ name: install, run: d }, { name: check, run: e }]
  - name: test
    needs: build
    steps: [{ name: unit, run: f }]
always: [{ name: clean, run: g }]
`);

const { plan: chain } = compileYaml(`
name: p
stages:
  - name: one
    steps: [{ name: a, run: a }, { name: b, run: b }, { name: c, run: c }, { name: d, run: d }]
  - name: two
    steps: [{ name: x, run: x }]
  - name: three
    steps: [{ name: e, run: e }]
`);

function part(flags: PartFlags): string[] {
  const { stages, always } = partOfPlan(plan as Plan, flags);
  expect(always).toHaveLength(1);
  // What it needs is there.
  for (const { needs, steps } of stages) {
    expect(stages.map(({ name }) => name)).toEqual(expect.arrayContaining([...needs]));
    for (const step of steps) {
      expect(steps.map(({ name }) => name)).toEqual(expect.arrayContaining([...step.needs]));
    }
  }
  return stages.map(({ name, steps }) => `${name}: ${steps.map((step) => step.name).join(' ')}`);
}

describe('partOfPlan', () => {
  it.each<readonly [PartFlags, readonly string[]]>([
    [{ stage: ['test'] }, ['build: install make pack', 'test: unit']],
    [{ stage: ['test'], needs: false }, ['test: unit']],
    [{ stage: ['test', 'lint'], needs: false }, ['lint: install check', 'test: unit']],
    [{ step: ['make'] }, ['build: install make']],
    [{ step: ['make'], needs: false }, ['build: make']],
    [{ step: ['lint/install', 'unit'], needs: false }, ['lint: install', 'test: unit']],
    [{ step: ['make'], stage: ['build'] }, ['build: install make pack']],
    [{ step: ['unit'] }, ['build: install make pack', 'test: unit']],
  ])('%j is %j', (flags, stages) => expect(part(flags)).toEqual(stages));

  it('keeps the order across what is left out', () => {
    const needs = (flags: PartFlags): unknown =>
      partOfPlan(chain as Plan, { ...flags, needs: false }).stages.map((stage) => [
        ...[stage.name, stage.needs],
        stage.steps.map((step) => [step.name, step.needs]),
      ]);
    expect(needs({ step: ['one/a', 'one/d', 'three/e'] })).toEqual([
      [
        'one',
        [],
        [
          ['a', []],
          ['d', ['a']],
        ],
      ],
      ['three', ['one'], [['e', []]]],
    ]);
  });

  it('is all of it where nothing is named', () => {
    expect(partOfPlan(plan as Plan, { needs: false })).toBe(plan);
  });

  it.each<readonly [PartFlags, string, string]>([
    [{ stage: ['tset'] }, "There is no stage 'tset'.", 'Did you mean test?'],
    [{ stage: ['xyzzy'] }, "There is no stage 'xyzzy'.", 'The stages are: build, lint, test'],
    [{ step: ['build/unti'] }, "There is no step 'build/unti'.", 'The steps are: build/install'],
    [
      { step: ['install'] },
      "Several steps are called 'install': build/install, lint/install.",
      'Name',
    ],
  ])('%j is refused: %s', (flags, message, suggestion) => {
    expect(() => part(flags)).toThrow(
      expect.objectContaining({
        message,
        suggestions: expect.arrayContaining([expect.stringContaining(suggestion)]),
      }),
    );
  });
});
