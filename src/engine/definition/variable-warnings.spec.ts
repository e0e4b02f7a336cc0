import { compileYaml } from '../compiler/compile-yaml.js';
import { platformVariables } from '../runtime/step-environment.js';
import { HOST_VARIABLES } from '../runtime/base-environment.js';
import { isForeignVariable } from '../yaml/foreign-variables.js';

const told = (yaml: string): readonly string[] =>
  compileYaml(yaml).problems.map(
    ({ path, line, column, code, severity, suggestion = '' }) =>
      `${severity} ${path}:${String(line)}:${String(column)} ${code}, ${suggestion}`,
  );
const run = (command: string): string => `name: x\nsteps:\n  - run: ${JSON.stringify(command)}\n`;

describe('variables of other systems', () => {
  it.each([
    ['CI_PROJECT_DIR', 'CI_WORKSPACE'],
    ['CI_COMMIT_TAG', 'CI_TAG'],
    ['CI_COMMIT_SHA', 'CI_COMMIT'],
    ['CI_COMMIT_REF_NAME', 'CI_BRANCH'],
    ['GITHUB_SHA', 'CI_COMMIT'],
    ['DRONE_BUILD_NUMBER', 'CI_EXECUTION_NUMBER'],
    ['CIRCLE_BRANCH', 'CI_BRANCH'],
    ['BUILDKITE_COMMIT', 'CI_COMMIT'],
    ['BITBUCKET_CLONE_DIR', 'CI_WORKSPACE'],
  ])('$%s is told with $%s', (foreign, here) => {
    const hint = `Write $${here} in commands, \${{ env.${here} }} elsewhere`;
    expect(told(run(`echo $${foreign}`))).toEqual([
      `warning steps[0].run:3:16 unknown_variable, ${hint}`,
    ]);
    expect(told(run(`echo "\${${foreign}}"`))).toHaveLength(1);
    expect(told(run(`echo \${${foreign}##*/}`))).toHaveLength(1);
  });

  it.each([
    ['echo a=b >> $GITHUB_OUTPUT', /Write into \$CI_OUTPUT, and name/],
    ['echo a=b >> "$GITHUB_ENV"', /later steps read \$\{\{ steps/],
    ['docker push $CI_REGISTRY_IMAGE', /the name of the image/],
    ['echo $CI_UNHEARD_OF', /docs\/pipeline-yaml\.md/],
    ['docker build --build-arg CI_COMMIT_SHA=$CI_COMMIT_SHA .', /Write \$CI_COMMIT/],
  ])('%s', (command, hint) => {
    expect(told(run(command))).toEqual([expect.stringMatching(hint)]);
  });

  it('are told once for each name, wherever they stand first', () => {
    const yaml = `name: x
environment: { A: "$CI_COMMIT_SHA" }
steps:
  - { run: [echo $CI_COMMIT_SHA, echo $CI_COMMIT_SHA $CI_COMMIT_TAG], working_directory: $CI_PROJECT_DIR/a }
always: [echo $CI_COMMIT_TAG]
`;
    expect(told(yaml)).toEqual([
      expect.stringMatching(/environment\.A:.* not_expanded, Write \$\{\{ env\.CI_COMMIT \}\}/),
      expect.stringMatching(/steps\[0\]\.run\[0\]:4:18 unknown_variable, Write \$CI_COMMIT /),
      expect.stringMatching(/steps\[0\]\.run\[1\]:4:54 unknown_variable, Write \$CI_TAG /),
      expect.stringMatching(/working_directory:.* not_expanded, Leave it out/),
    ]);
  });

  it.each([
    'echo $CI_COMMIT $CI_SIDECAR_DB_1_HOST $CI $GITHUB_ $CIRCLE',
    'echo $$CI_COMMIT_SHA \\$CI_COMMIT_SHA',
    'echo ${CI_COMMIT_SHA:-$CI_COMMIT} ${GITHUB_SHA-x}',
    'GITHUB_SHA=$CI_COMMIT; echo $GITHUB_SHA',
    'for CI_X in a b; do echo $CI_X; done',
  ])('are not what is there, or set by the file: %s', (command) => {
    expect(told(run(command))).toEqual([]);
  });

  it('are not variables and secrets of the file', () => {
    const yaml = `name: x
secrets: [GITHUB_TOKEN]
environment: { CIRCLE_RADIUS: 3 }
steps: ['curl -H "$GITHUB_TOKEN" a/$CIRCLE_RADIUS']
`;
    expect(told(yaml)).toEqual([]);
  });

  it('are told in expressions, where they are certain', () => {
    const yaml = `name: x
steps: [{ run: make, when: "env.CI_COMMIT_BRANCH == 'main' && env.CI_BRANCH != env.GITHUB_REF" }]
`;
    expect(told(yaml)).toEqual([
      expect.stringMatching(/^warning steps\[0\]\.when:.* unknown_variable, Write env\.CI_BRANCH$/),
    ]);
  });

  it('never make an error of many', () => {
    const names = Array.from({ length: 500 }, (_, index) => `$CI_OTHER_${String(index)}`);
    expect(told(run(`echo ${names.join(' ')}`))).toHaveLength(20);
  });
});

describe('a variable in a path', () => {
  const ofStep = (keys: string): string => `name: x\nsteps: [{ run: make, ${keys} }]\n`;

  it.each([
    ['cache: { paths: [$HOME/.npm], key: a }', /cache\.paths\[0\].*not_expanded, Write a tool/],
    ['artifacts: "${OUT}/a"', /artifacts.*not_expanded, Write a path in the workspace$/],
    ['reports: { junit: $CI_PROJECT_DIR/a.xml }', /junit.*not_expanded, Leave it out/],
  ])('is told: %s', (keys, expected) => {
    expect(told(ofStep(keys))).toEqual([expect.stringMatching(expected)]);
  });
});

it('knows every variable that Millrace sets', () => {
  const trigger = {
    ...{ event: 'push', actor: 'a', rerun_of: 'a', repository_name: 'a', default_branch: 'a' },
    ...{ before: 'a', message: 'a', author: 'a', number: 1, title: 'a', fork: true },
    ...{ base: { branch: 'a', commit: 'a' }, head: { branch: 'a', commit: 'a' } },
  };
  const context = {
    ...{ executionId: 'a', pipelineName: 'a', pipelineId: 'a', executionAttempt: 1 },
    ...{ executionNumber: 1, executionUrl: 'a', trigger, inputs: {} },
  };
  const checkout = { branch: 'a', tag: 'a', commit: 'a', repositoryUrl: 'a' };
  const address = { stage: 'a', step: 'a', attempt: 1 };
  const names = [
    ...Object.keys(platformVariables(context as never, checkout, address)),
    ...HOST_VARIABLES,
  ];
  expect(names.length).toBeGreaterThan(30);
  expect(names.filter(isForeignVariable)).toEqual([]);
});
