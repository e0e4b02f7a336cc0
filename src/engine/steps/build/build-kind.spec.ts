import { compileYaml } from '../../compiler/compile-yaml.js';
import type { Plan } from '../../plan/plan.js';

function problems(yaml: string): string[] {
  return compileYaml(yaml).problems.map(({ code, line, message }) => `${code} ${line}: ${message}`);
}

function planOf(yaml: string): Plan {
  const { plan, problems: found } = compileYaml(yaml);
  if (plan === undefined) throw new Error(JSON.stringify(found));
  return plan;
}

const stepsOf = (yaml: string) => planOf(yaml).stages[0]?.steps ?? [];
const step = (keys: string, head = ''): string => `name: x\n${head}steps: [{ name: s, ${keys} }]\n`;
const action = (keys: string): unknown => stepsOf(step(keys))[0]?.action;

describe('steps that build images', () => {
  it('has a short form, which keeps nothing', () => {
    expect(action('build: .')).toEqual({ kind: 'build', context: '.' });
    expect(action('build: app')).toEqual({ kind: 'build', context: 'app' });
  });

  it('has a form of all keys', () => {
    const keys = `build: { context: app, dockerfile: d/File, target: last, args: { A: 1.10, B: "\${{ trigger.branch }}" },
      tags: ["r.example:5000/a:\${{ trigger.commit }}", "a:2"], labels: { org.x/y: z }, secrets: [TOKEN, TOKEN],
      cache_from: true, push: true, platform: linux/arm64, pull: always, network: none }`;
    const [built] = stepsOf(step(keys));
    expect(built).toMatchObject({
      outputs: ['image', 'digest'],
      secrets: ['TOKEN'],
      action: {
        kind: 'build',
        context: 'app',
        dockerfile: 'd/File',
        target: 'last',
        args: { A: '1.10', B: '${{ trigger.branch }}' },
        tags: ['r.example:5000/a:${{ trigger.commit }}', 'a:2'],
        labels: { 'org.x/y': 'z' },
        secrets: ['TOKEN'],
        cacheFrom: true,
        push: true,
        platform: 'linux/arm64',
        pull: 'always',
        network: 'none',
      },
    });
  });

  it('gives nothing that was not asked for', () => {
    expect(action('build: { push: false, pull: missing, cache_from: false, tags: a }')).toEqual({
      kind: 'build',
      context: '.',
      tags: ['a'],
    });
  });

  it('says by itself which outputs it has', () => {
    const after = (output: string): string[] =>
      problems(
        `name: x\nsteps:\n  - { name: s, build: . }\n  - 'echo "\${{ steps.s.outputs.${output} }}"'\n`,
      );
    expect([after('digest'), after('image')]).toEqual([[], []]);
    expect(after('other')).toEqual([expect.stringContaining('unknown_output')]);
  });

  it.each([
    ['build: { tags: "A" }', 'invalid_image 2: "A" is no name of an image.'],
    ['build: { tags: --a }', 'invalid_image 2: "--a" is no name of an image.'],
    [
      `build: { tags: "a@sha256:${'0'.repeat(64)}" }`,
      'invalid_image 2: The name of an image that is built has no digest.',
    ],
    ['build: ../x', 'invalid_path 2: "../x" leaves the workspace.'],
    ['build: { dockerfile: /etc/x }', 'invalid_path 2: "/etc/x" is not relative to the workspace.'],
    ['build: { target: -x }', 'invalid_name 2: "-x" is no name of a stage.'],
    ['build: { args: { "-x": 1 } }', 'invalid_name 2: "-x" is no name here.'],
    ['build: { args: { __proto__: 1 } }', 'invalid_name 2: "__proto__" is no name here.'],
    ['build: { labels: { millrace.built-in: x } }', 'invalid_name 2: "millrace.built-in" is no'],
    ['build: { push: true }', 'missing_key 2: The build has "push: true", but no tags.'],
    ['build: { cache_from: true }', 'missing_key 2: The build has "cache_from: true", but no'],
    ['build: ., run: a', 'conflicting_keys 2: "build" is no key of a step with "run".'],
    ['build: ., image: a', 'conflicting_keys 2: "build" is no key of a step with "image".'],
    ['build: { file: a }', 'unknown_key 2: Build has no key "file".'],
    ['build: { args: [A=1] }', 'wrong_type 2: Expected a map of NAME: value, found a list.'],
  ])('refuses %s', (keys, problem) => {
    expect(problems(step(keys))).toEqual([expect.stringContaining(problem)]);
  });

  it('refuses a secret in what stays in the image, and names the way', () => {
    const found = compileYaml(
      step(
        'build: { args: { A: "x${{ env.TOKEN }}" }, tags: "a:${{ env.OTHER }}", secrets: [OWN], labels: { l: "${{ env.OWN }}" } }',
        'secrets: [TOKEN, OTHER]\n',
      ),
    ).problems.map(({ code, path, suggestion }) => [code, path, suggestion]);
    expect(found).toEqual([
      [
        'secret_in_args',
        'steps[0].build.args.A',
        'Write secrets: [TOKEN], and mount it: RUN --mount=type=secret,id=TOKEN …',
      ],
      ['secret_in_args', 'steps[0].build.tags', expect.stringContaining('[OTHER]')],
      ['secret_in_args', 'steps[0].build.labels.l', expect.stringContaining('[OWN]')],
    ]);
    expect(problems(step('build: { args: { A: "${{ env.FREE }}" } }', 'secrets: [T]\n'))).toEqual(
      [],
    );
    const deploy = (keys: string): string[] =>
      problems(
        step(`deploy: { type: docker_container, service: s, ${keys} }`, 'secrets: [TOKEN]\n'),
      );
    const text = '"${{ env.TOKEN }}"';
    expect(deploy(`build: { args: { A: ${text} } }`)).toEqual([
      expect.stringContaining('secret_in_args'),
    ]);
    expect(deploy(`variables: { A: ${text} }`)).toEqual([]);
  });
});

describe('step_type: docker', () => {
  const of = (config: string): unknown =>
    stepsOf(`name: x\nsteps: [{ name: s, step_type: docker, config: { ${config} } }]\n`)[0]?.action;

  it.each([
    ['image: app, build_context: .', { context: '.', tags: ['app'] }],
    ['image: app, dockerfile: D', { context: '.', dockerfile: 'D', tags: ['app'] }],
    [
      'image: app, build_context: b, registry: "r.example:5000", tags: [1, latest]',
      {
        context: 'b',
        tags: ['r.example:5000/app:1', 'r.example:5000/app:latest'],
        push: true,
      },
    ],
    [
      'image: "r.example/team/app:9", build_context: ., registry: r.example, tags: ["other/app:2", "${{ trigger.commit }}"]',
      {
        context: '.',
        tags: ['other/app:2', 'r.example/team/app:${{ trigger.commit }}'],
        push: true,
      },
    ],
    ['build_context: .', { context: '.' }],
  ])('builds with %s', (config, built) => {
    expect(of(config)).toEqual({ kind: 'build', ...built });
  });

  it.each([
    ['image: node, command: npm test', { image: 'node', commands: ['npm test'] }],
    ['image: node', { image: 'node', commands: [] }],
    [
      'image: team/node, registry: r.example, script: a, working_directory: w',
      { image: 'r.example/team/node', commands: ['a'], workingDirectory: 'w' },
    ],
  ])('runs commands with %s', (config, run) => {
    expect(of(config)).toEqual({ kind: 'container', shell: 'sh', ...run });
  });

  it.each([
    ['command: x', 'missing_image'],
    ['image: a, build_context: ., command: x', 'conflicting_keys'],
    ['image: a, command: x, script: y', 'conflicting_keys'],
    ['image: a, tags: [1]', 'conflicting_keys'],
    ['build_context: ., registry: r.example', 'missing_key'],
    ['image: a, build_context: ., registry: "a/b c"', 'invalid_registry'],
    ['image: a, build_context: ., registry: "--x"', 'invalid_registry'],
  ])('refuses %s', (config, code) => {
    const yaml = `name: x\nsteps: [{ name: s, step_type: docker, config: { ${config} } }]\n`;
    expect(compileYaml(yaml).problems.map((one) => one.code)).toEqual([code]);
  });
});
