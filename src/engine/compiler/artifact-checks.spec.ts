import { compileYaml } from './compile-yaml.js';

/** Codes of the problems of stages `build` and `use`. */
function codes(useKeys: string, from: string): string[] {
  const { problems } = compileYaml(`name: p
stages:
  - { name: build, steps: [{ run: x, artifacts: f }] }
  - { name: use${useKeys}, steps: [{ run: x, artifacts_from: ${from} }] }
`);
  return problems.map(({ code }) => code);
}

describe('artifacts_from', () => {
  it('takes those of a stage before', () => {
    expect(codes('', 'build')).toEqual([]);
    expect(codes(', needs: [build]', 'build')).toEqual([]);
  });

  it('warns of a stage that may run at the same time', () => {
    expect(codes(', needs: []', 'build')).toEqual(['not_waited_for']);
  });

  it('refuses a stage that is not there', () => {
    expect(codes('', 'other')).toEqual(['unknown_stage']);
  });

  it.each([
    ['{ stage: build, step: step-1 }', []],
    ['{ stage: build, step: nosuch }', ['unknown_step']],
    ['{ stage: build, name: step-1 }', []],
    ['{ stage: build, name: nosuch }', ['no_artifacts']],
    ['use', ['no_artifacts']],
    ['{ stage: use, step: step-1 }', ['no_artifacts']],
  ])('takes what a step keeps: %s', (from, expected) => {
    expect(codes('', from)).toEqual(expected);
  });

  it('refuses a stage that runs behind it, and says what to do', () => {
    const text = `name: p
stages:
  - { name: use, steps: [{ run: x, artifacts_from: build }] }
  - { name: build, steps: [{ run: x, artifacts: f }] }
`;
    expect(compileYaml(text).problems).toMatchObject([
      {
        ...{ severity: 'error', code: 'not_waited_for' },
        suggestion: 'Put "build" before "use"',
      },
    ]);
  });

  it('asks nothing of the stages of other pipelines', () => {
    expect(codes(', needs: []', '{ pipeline: lib, branch: main, stage: pack }')).toEqual([]);
  });
});
