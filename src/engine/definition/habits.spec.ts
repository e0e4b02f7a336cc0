import { compileYaml } from '../compiler/compile-yaml.js';

/** What is said of a file, each as `path: code, suggestion`. */
function told(yaml: string): readonly string[] {
  return compileYaml(yaml).problems.map(
    ({ path, code, suggestion = '' }) => `${path}: ${code}, ${suggestion}`,
  );
}

const ofStep = (keys: string): string => `name: x\nsteps: [{ run: make, ${keys} }]\n`;
const ofRustci = (keys: string): string =>
  `name: x\nsteps: [{ name: a, step_type: shell, config: { command: make }, ${keys} }]\n`;
const ofStage = (keys: string): string =>
  `name: x\nstages: [{ name: s, steps: [make], ${keys} }]\n`;
const ofDefaults = (keys: string): string => `name: x\ndefaults: { ${keys} }\nsteps: [make]\n`;
const ofPipeline = (keys: string): string => `name: x\n${keys}\nsteps: [make]\n`;
const ofBuild = (keys: string): string => `name: x\nsteps: [{ build: { tags: a, ${keys} } }]\n`;
const ofSidecar = (keys: string): string =>
  `name: x\nsidecars: { db: { image: i, ${keys} } }\nsteps: [make]\n`;

describe('what other systems write', () => {
  it.each([
    [ofStep('volumes: [a]'), /^steps\[0\]\.volumes: unknown_key, A container sees the workspace/],
    [ofStep('mounts: [a]'), /unknown_key, A container sees the workspace/],
    [ofStep('privileged: true'), /unknown_key, No step is privileged: write build to build/],
    [ofStep('cap_add: [A]'), /unknown_key, A worker gives rights.*CONTAINER_CAPABILITIES/],
    [ofStep('container: node'), /unknown_key, Write image: node:22$/],
    [ofStep('docker: node'), /unknown_key, Write image: node:22$/],
    [ofStep('before_script: [a]'), /unknown_key, .* first commands of run$/],
    [ofStep('after_script: [a]'), /unknown_key, .* end of run, or as a step of always$/],
    [ofStep('dependencies: [a]'), /unknown_key, Write needs .*artifacts_from/],
    [ofStep('services: [a]'), /unknown_key, Write sidecars at its stage or the pipeline$/],
    [ofStep('expire_in: 3d'), /unknown_key, It belongs into artifacts: \{/],
    [ofStep('stage: a'), /unknown_key, A step stands in its stage/],
    [ofStep('tags: [a]'), /unknown_key, Write runs_on at the top level: .*tags of an image/],
    [ofStep('timeout-minutes: 5'), /unknown_key, Write timeout: 10m$/],
    [ofStep('timeout_in_minutes: 5'), /unknown_key, Write timeout: 10m$/],
    [ofStep('soft_fail: true'), /unknown_key, Write continue_on_error$/],
    [ofStep('failure: ignore'), /unknown_key, Write continue_on_error: true$/],
    [ofStep('directory: a'), /unknown_key, Write working_directory$/],
    [ofStep('detach: true'), /unknown_key, Write it as one of the sidecars/],
    [ofStep('settings: { a: b }'), /unknown_key, There are no plugins/],
    [ofStep('extends: .base'), /unknown_key, Nothing is inherited/],
    [ofStep('artifact_paths: a'), /unknown_key, Write artifacts$/],
    [ofStep('store_test_results: a'), /unknown_key, Write reports: \{ junit/],
    [ofStep('restore_cache: a'), /unknown_key, Write cache: it is restored/],
    [ofStep('persist_to_workspace: a'), /unknown_key, Steps of an execution share/],
    [ofStep('dockerfile: a'), /unknown_key, It belongs into build: \{ dockerfile/],
    [ofStep('push: true'), /unknown_key, It belongs into build: \{ tags/],
    [ofStep('registry: a'), /unknown_key, Write the host in front of the name/],
    [ofStep('mem: 1g'), /unknown_key, Write memory$/],
    [ofStep('docker_image: a'), /unknown_key, Write image: node:22$/],
    [ofPipeline('when: { event: push }'), /unknown_key, Write triggers for the events/],
    [ofPipeline('labels: { a: b }'), /unknown_key, Write runs_on, which names labels of workers/],
    [ofPipeline('clone: { git: a }'), /unknown_key, Write repository$/],
    [ofPipeline('include: [a]'), /unknown_key, Files are not included/],
    [ofPipeline('permissions: { a: b }'), /unknown_key, A token gets its scopes/],
    [ofStep('artifacts: { paths: a, retention-days: 3 }'), /unknown_key, Write expire_in: 30d$/],
    [ofStep('reports: { junit: a, cobertura: b }'), /unknown_key, Only junit is read/],
    [ofStep('only: [a]'), /unknown_key, Write when, or triggers/],
    [ofStep('except: [a]'), /unknown_key, Write when, or triggers/],
    [ofStep('rules: [a]'), /unknown_key, Write when, or triggers/],
    [ofRustci('container: a'), /unknown_key, Write config: \{ image: … \}/],
    [ofRustci('volumes: [a]'), /unknown_key, A container sees the workspace/],
    [ofRustci('before_script: [a]'), /unknown_key, .* first commands of run$/],
    [ofRustci('depends_on: [a]'), /unknown_key, Write needs$/],
    [ofRustci('dependencies: [a]'), /unknown_key, Write needs .*artifacts_from/],
    [ofStage('volumes: [a]'), /unknown_key, A container sees the workspace/],
    [ofStage('before_script: [a]'), /unknown_key, .* first commands of run$/],
    [ofStage('dependencies: [a]'), /unknown_key, Write needs$/],
    [ofStage('cache: npm'), /unknown_key, cache belongs to a step$/],
    [ofStage('artifacts: dist'), /unknown_key, artifacts belong to a step$/],
    [ofDefaults('container: a'), /unknown_key, Write image: node:22$/],
    [ofDefaults('before_script: [a]'), /unknown_key, .* first commands of run$/],
    [ofDefaults('services: [a]'), /unknown_key, Write sidecars at the top level$/],
    [ofDefaults('sidecars: {}'), /unknown_key, Write sidecars at the top level$/],
    [ofDefaults('cache: npm'), /unknown_key, cache belongs to a step$/],
    [ofPipeline('volumes: [a]'), /^volumes: unknown_key, A container sees the workspace/],
    [ofPipeline('privileged: true'), /unknown_key, No step is privileged/],
    [ofPipeline('container: a'), /unknown_key, Write defaults: \{ image: … \}$/],
    [ofPipeline('docker: a'), /unknown_key, Write defaults: \{ image: … \}$/],
    [ofPipeline('before_script: [a]'), /unknown_key, .* first commands of run$/],
    [ofPipeline('after_script: [a]'), /unknown_key, .*step of always$/],
    [ofPipeline('cache: npm'), /unknown_key, cache belongs to a step$/],
    [ofPipeline('reports: {}'), /unknown_key, reports belong to a step$/],
    [ofPipeline('default: { image: a }'), /^default: unknown_key, Write defaults$/],
    [ofPipeline('needs: [a]'), /unknown_key, needs belong to a stage or a step$/],
    [ofPipeline('depends_on: [a]'), /unknown_key, Write needs at a stage or a step$/],
    [ofPipeline('dependencies: [a]'), /unknown_key, Write needs at a stage or a step$/],
    [ofPipeline('tags: [a]'), /unknown_key, Write runs_on, which names labels of workers/],
    [ofPipeline('matrix: { A: [1] }'), /^matrix: not_yet_supported, Remove "matrix"/],
    [ofPipeline('workspace: { path: a }'), /unknown_key, Remove it: steps begin in the workspace/],
    [ofPipeline('run-name: a'), /unknown_key, Remove it: an execution has a number/],
    [ofPipeline('image_pull_secrets: [a]'), /unknown_key, Write registries: \{ ghcr\.io/],
    [ofPipeline('skip_clone: true'), /unknown_key, Remove it: without repository/],
    [ofPipeline('node: { gpu: a }'), /unknown_key, Write runs_on, which names labels of workers/],
    [
      ofPipeline('pages: { script: a }'),
      /unknown_key, Write a stage, .*deploy: \{ type: local_dir/,
    ],
    [ofPipeline('commands: [a]'), /unknown_key, Write steps: \[\{ run: … \}\]$/],
    [ofPipeline('pipeline: { a: b }'), /unknown_key, Remove it: what stands in it/],
    [ofPipeline('shell: bash'), /unknown_key, Write defaults: \{ shell: bash \}$/],
    [ofPipeline('outputs: a'), /unknown_key, outputs belong to a step/],
    [ofStage('concurrency: 1'), /concurrency: not_yet_supported, Remove "concurrency"/],
    [ofStage('resource_group: a'), /resource_group: not_yet_supported, Remove/],
    [
      ofStage('outputs: { a: b }'),
      /unknown_key, outputs belong to a step; .*steps\.<name>\.outputs/,
    ],
    [ofStage('defaults: { run: { shell: bash } }'), /unknown_key, defaults stand at the top level/],
    [ofStage('interruptible: true'), /unknown_key, Write supersede: true at the top level$/],
    [ofStage('shell: bash'), /unknown_key, shell belongs to a step, or to defaults/],
    [ofStage('executor: node'), /unknown_key, Write image: node:22; runs_on at the top level/],
    [ofStage('branches: main'), /unknown_key, Write when: trigger\.branch == 'main'$/],
    [ofStep('concurrency: 1'), /concurrency: not_yet_supported, Remove "concurrency"/],
    [ofStep('concurrency_group: a'), /concurrency_group: not_yet_supported, Remove/],
    [ofStep('branches: main'), /unknown_key, Write when: trigger\.branch == 'main'$/],
    [ofStep('inputs: { a: b }'), /unknown_key, There are no tasks: .*approval: \{ message/],
    [ofStep('publish: dist'), /unknown_key, Write artifacts: dist; that of a deployment/],
    [ofStep('download: current'), /unknown_key, Write artifacts_from: build, the stage/],
    [ofStep('no_output_timeout: 10m'), /unknown_key, Write timeout: 10m$/],
    [ofStep('background: true'), /unknown_key, Write it as one of the sidecars/],
    [ofDefaults('run: { shell: bash }'), /unknown_key, Write its keys without it: shell: bash$/],
    [ofDefaults('retry: 2'), /unknown_key, Write retry_count at the top level$/],
    [ofDefaults('working-directory: a'), /unknown_key, working_directory belongs to a step$/],
    [ofSidecar('mounts: [a]'), /unknown_key, A sidecar sees no files/],
    [ofSidecar('pull_policy: always'), /unknown_key, Write pull$/],
    [ofSidecar('tmpfs: [a]'), /unknown_key, A sidecar sees no files/],
    [ofSidecar('cap_add: [a]'), /unknown_key, A worker gives rights/],
    [ofBuild('repo: a'), /unknown_key, Write tags$/],
    [ofBuild('registry: a'), /unknown_key, Write the host in front of the names in tags/],
    [ofBuild('load: true'), /unknown_key, Remove it: later steps/],
    [ofBuild('cache_to: a'), /unknown_key, Write cache_from: true$/],
    [
      ofPipeline('registries: { "r.example": { username: A, password: C, pass: B } }'),
      /pass: unknown_key, Write password$/,
    ],
    [ofSidecar('networks: [a]'), /unknown_key, A sidecar is in the network of the steps$/],
    [ofSidecar('restart: always'), /unknown_key, A sidecar starts once/],
    [ofSidecar('build: .'), /unknown_key, Build it in a step with build, and push it/],
    [ofSidecar('ports: ["5432:5432"]'), /ports\[0\]: wrong_type, Write 5432 alone/],
    [ofSidecar('port: "127.0.0.1:80:8080/tcp"'), /wrong_type, Write 8080 alone/],
    [ofSidecar('port: http'), /wrong_type, $/],
    [ofPipeline('sidecars: [postgres]'), /^sidecars: wrong_type, Write it as db: \{ image/],
    [ofPipeline('sidecars: { db: postgres }'), /^sidecars\.db: wrong_type, Write it as db: \{/],
    [
      'name: x\nsidecars: { db: { image: { name: a } } }\nsteps: [make]\n',
      /^sidecars\.db\.image: wrong_type, Write image: a, with/,
    ],
    [
      ofStep('artifacts: { paths: a, reports: { junit: a } }'),
      /^steps\[0\]\.artifacts\.reports: unknown_key, reports is a key of the step/,
    ],
    [
      ofStep('artifacts: { paths: a, untracked: true }'),
      /unknown_key, Name what is kept in paths$/,
    ],
    [ofStep('artifacts: { paths: a, expire_in: 1 week }'), /invalid_duration, Write 7d$/],
    [ofStep('artifacts: { paths: a, expire_in: 30 days }'), /invalid_duration, Write 30d$/],
    [ofStep('artifacts: { paths: a, expire_in: 1 month }'), /invalid_duration, Write 30d$/],
    [ofStep('artifacts: { paths: a, expire_in: 1yr }'), /invalid_duration, Write 365d$/],
    [ofStep('timeout: 2 hours'), /invalid_duration, Write 2h$/],
    [ofStep('timeout: 10min'), /invalid_duration, Write 10m$/],
    [ofStep('timeout: 5 secs'), /invalid_duration, Write 5s$/],
    [ofStep('timeout: soon'), /invalid_duration, Write seconds/],
    [
      ofStep('cache: node_modules'),
      /unknown_value, .*cache: npm.*paths: \[node_modules\], key: \{ files: \[package-lock.json\] \}/,
    ],
    [ofStep('cache: [node_modules]'), /^steps\[0\]\.cache\[0\]: unknown_value, .*\[node_modules\]/],
    [ofStep('cache: api/node_modules/'), /paths: \[api\/node_modules\/\].*\[package-lock.json\]/],
    [ofStep('cache: vendor/bundle'), /paths: \[vendor\/bundle\].*\[Gemfile.lock\]/],
    [ofStep('cache: vendor'), /paths: \[vendor\].*\[composer.lock\]/],
    [ofStep('cache: target'), /paths: \[target\].*\[Cargo.lock\]/],
    [ofStep('cache: .venv'), /paths: \[.venv\].*\[requirements.txt\]/],
    [ofStep('cache: yarn'), /paths: \[.yarn\/cache\].*\[yarn.lock\]/],
    [ofStep('cache: pnpm'), /paths: \[.pnpm-store\].*\[pnpm-lock.yaml\]/],
    [ofStep('cache: bundler'), /paths: \[vendor\/bundle\].*\[Gemfile.lock\]/],
    [ofStep('cache: composer'), /paths: \[vendor\].*\[composer.lock\]/],
    [ofStep('cache: .ccache/objects'), /paths: \[.ccache\/objects\].*\[<lock file>\]/],
    [
      ofStep('image: { name: "ruby:3", entrypoint: [""] }'),
      /wrong_type, Write image: ruby:3, with/,
    ],
    [ofStep('image: { entrypoint: [""] }'), /wrong_type, Write image: node:22, with/],
    [ofDefaults('image: { name: a }'), /^defaults\.image: wrong_type, Write image: a, with/],
    [
      ofPipeline('build: { script: [make] }'),
      /^build: unknown_key, Write it as a stage: stages: \[\{ name: build, steps/,
    ],
    [ofPipeline('"unit: 1": { stage: a }'), /unknown_key, Write it as a stage.* name: "unit: 1",/],
    [ofPipeline('job: { run: make }'), /unknown_key, Write it as a stage/],
    [ofPipeline('step: { run: make }'), /unknown_key, Write it as a stage/],
    [ofPipeline('defalts: { image: a }'), /^defalts: unknown_key, Did you mean "defaults"/],
    [ofPipeline('colour: { red: 1 }'), /unknown_key, Known keys/],
    [
      'name: x\nstages: [build]\n',
      /^stages\[0\]: wrong_type, Write \{ name: build, steps: \[ … \] \}/,
    ],
  ])('%s', (yaml, expected) => {
    expect(told(yaml)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('what somebody moves from another system', () => {
  it.each([
    [ofStep('environment: { T: { from_secret: u } }'), /wrong_type, Write secrets: \[u\] .*\$u$/],
    [ofStep('environment: { T: { from_secret: T } }'), /Write secrets: \[T\] beside environment$/],
    [ofStep('environment: { T: "${{ secrets.DEPLOY }}" }'), /unknown_name, .*secrets: \[DEPLOY\]/],
    [ofStep("when: \"secrets['A'] != ''\""), /unknown_name, Write secrets: \[NAME\]/],
    [ofStep('secrets: [{ source: a, target: b }]'), /secrets\[0\]: wrong_type, Write B: a secret/],
    [ofStep('when: on_failure'), /unknown_name, Write the step into on_failure: /],
    [ofStep('when: on_success'), /unknown_name, Leave it out/],
    [ofStep('when: manual'), /unknown_name, Write approval/],
    [
      ofStep('when: [{ branch: main, event: [push, tag] }]'),
      /when: trigger\.branch == 'main' && \(trigger\.event == 'push' \|\| trigger\.tag\)$/,
    ],
    [ofStep('when: { status: failure }'), /wrong_type, Write one expression: when: failure\(\)$/],
    [ofStep('when: { path: a }'), /wrong_type, Write one expression, as when: /],
    [ofStep('when: $CI_COMMIT_BRANCH == "main"'), /unexpected_character, Write env\.CI_BRANCH$/],
    [ofStep('when: trigger.sha'), /unknown_property, Did you mean "commit"/],
    [ofStep('when: trigger.ref'), /unknown_property, Did you mean "branch"/],
    [ofStep('only: [tags]'), /unknown_key, .*for tags when: trigger\.tag/],
    [ofPipeline('only: [tags]'), /unknown_key, .*for tags when: trigger\.tag/],
    [ofStep('strategy: { matrix: { a: [1] } }'), /unknown_key, .*share one workspace/],
    [ofStep('reports: junit.xml'), /wrong_type, Write reports: \{ junit: junit\.xml \}$/],
    [ofStep('uses: actions/checkout@v4'), /unknown_key, Write repository: .*connected repository/],
    [ofStep('uses: actions/cache@v4'), /unknown_key, Write cache at the step/],
    [ofStep('uses: acme/other@v1'), /unknown_key, There are no actions/],
    [ofPipeline('variables: [&go golang]'), /unknown_key, Write x-variables/],
    [ofPipeline('variables: { go: { image: a } }'), /unknown_key, Write x-variables/],
    [ofPipeline('variables: { GO: 1 }'), /unknown_key, Write environment$/],
    [ofPipeline('variables: [GO=1]'), /unknown_key, Write environment$/],
    [ofPipeline('.python: { image: a }'), /unknown_key, Write x-python: &python …, and \*python/],
    ['name: x\nsteps: { vet: { run: a } }\n', /^steps: wrong_type, .* - name: vet$/],
    ['name: x\nsteps: { run: a }\n', /^steps: wrong_type, Begin each item with/],
    [ofPipeline('runs_on: ubuntu-latest'), /^runs_on: label_of_others, Remove it, or .*image/],
    [ofPipeline('runs_on: [macos-14]'), /^runs_on\[0\]: label_of_others/],
    [ofPipeline('runs_on: [docker]'), /^runs_on\[0\]: label_of_others/],
  ])('%s', (yaml, expected) => {
    expect(told(yaml)).toEqual([expect.stringMatching(expected)]);
  });

  it('is no label of a worker of ours', () => {
    expect(told(ofPipeline('runs_on: [linux, gpu, ubuntu]'))).toEqual([]);
  });
});

describe('a trigger as others write it', () => {
  const ofTrigger = (keys: string): string => `name: x\ntriggers: [{ ${keys} }]\nsteps: [make]\n`;

  it.each([
    [ofTrigger('event: manual'), /^triggers\[0\]\.event: unknown_key, Write - manual$/],
    [ofTrigger('event: [push, tag]'), /unknown_key, Write - push, and - tag: "v\*"$/],
    [ofTrigger('event: cron'), /unknown_key, Write - schedule: \{ cron: "0 3 \* \* \*" \}$/],
    [ofTrigger('event: deployment'), /unknown_key, The event is the key: write one of - manual/],
    [ofTrigger('on: merge_request'), /unknown_key, Write - pull_request$/],
    [ofTrigger('branch: main'), /unknown_key, Write push: \{ branches/],
    [ofTrigger('push: { branches-ignore: [a] }'), /unknown_key, .*when: trigger\.branch != 'main'/],
    [ofTrigger('push: { paths-ignore: [a] }'), /unknown_key, Write paths: \{ exclude: \[ … \] \}$/],
    [
      ofTrigger('push: { tags-ignore: [a] }'),
      /unknown_key, Write a rule of its own.* - tag: "v\*"$/,
    ],
    [
      ofTrigger('pull_request: { branches-ignore: [a] }'),
      /unknown_key, .*when: trigger\.base\.branch != 'main'/,
    ],
    [ofTrigger('pull_request: { paths-ignore: a }'), /unknown_key, Write paths: \{ exclude/],
    [
      ofTrigger('schedule: "5 4 * * 1"'),
      /^triggers\[0\]\.schedule: wrong_type, Write - schedule: \{ cron: "5 4 \* \* 1" \}$/,
    ],
    [
      ofTrigger('schedule: [{ cron: "5 4 * * *" }]'),
      /wrong_type, Write .* cron: "5 4 \* \* \*" \}$/,
    ],
    [ofTrigger('schedule: [{ cron: "5 4 * * *" }, a]'), /wrong_type, Write .*, one for each$/],
    [ofTrigger('schedule: nightly'), /wrong_type, Write - schedule: \{ cron: "0 3 \* \* \*" \}$/],
    [ofTrigger('schedule: null'), /wrong_type, Write - schedule: \{ cron: "0 3 \* \* \*" \}$/],
    [ofTrigger('push: main'), /push: wrong_type, Write - push: \{ branches: \[main\] \}$/],
    [ofTrigger('push: [main, "v*"]'), /wrong_type, Write - push: \{ branches: \[main, "v\*"\] \}$/],
    [ofTrigger('push: true'), /wrong_type, Write - push$/],
    [
      ofTrigger('pull_request: main'),
      /wrong_type, Write - pull_request: \{ branches: \[main\] \}$/,
    ],
    [ofTrigger('manual: true'), /wrong_type, Write - manual$/],
    [ofTrigger('webhook: a'), /wrong_type, Write - webhook$/],
    [ofTrigger('tag: null'), /wrong_type, Write - tag: "v\*"$/],
    [ofPipeline('triggers: push'), /^triggers: wrong_type, Write \[push\]$/],
    [ofPipeline('triggers: tag'), /^triggers: wrong_type, Write \[\{ tag: "v\*" \}\]$/],
    [ofPipeline('triggers: { push: {} }'), /wrong_type, Begin each event with "- ": - push$/],
  ])('%s', (yaml, expected) => {
    expect(told(yaml)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('a word of another system', () => {
  const WORDS = [
    ...['strategy', 'timeout-minutes', 'soft_fail', 'allow_failure', 'continue-on-error', 'rules'],
    ...['before_script', 'after_script', 'container', 'tags', 'include', 'services', 'runs-on'],
    ...['permissions', 'trigger', 'inherit', 'id_tokens', 'start_in', 'release', 'executor'],
    ...['parameters', 'notify', 'notifications', 'workspace', 'skip', 'enabled', 'wait', 'detach'],
    ...['background', 'no_output_timeout', 'retryCountOnTaskFailure', 'failOnStderr', 'branches'],
    ...['setup_remote_docker', 'backend_options', 'task'],
    ...['artifact_paths', 'store_artifacts', 'uses', 'with', 'plugins', 'settings', 'extends'],
    ...[
      'only',
      'except',
      'agents',
      'pool',
      'displayName',
      'label',
      'variables',
      'env',
      'depends_on',
    ],
  ];

  it.each(WORDS)('%s has its advice at the pipeline, a stage and a step', (word) => {
    for (const yaml of [ofPipeline(`${word}: a`), ofStage(`${word}: a`), ofStep(`${word}: a`)]) {
      expect(told(yaml)).toEqual([
        expect.stringMatching(/unknown_key, (?!Known keys|Did you mean)/),
      ]);
    }
  });
});

describe('a command in one text', () => {
  it.each([
    ['command: postgres -c fsync=off', 'command', '["postgres", "-c", "fsync=off"]'],
    ['command: [redis-server --save ""]', 'command', '["redis-server", "--save", ""]'],
    ['entrypoint: /app --serve', 'entrypoint', '["/app", "--serve"]'],
    ['ready: { exec: [pg_isready -U a] }', 'ready.exec', '["pg_isready", "-U", "a"]'],
  ])('%s is taken, with a warning', (keys, path, list) => {
    const { plan, problems } = compileYaml(ofSidecar(keys));
    const key = path.replace('ready.', '');
    expect(plan?.sidecars).toHaveLength(1);
    expect(problems).toMatchObject([
      {
        severity: 'warning',
        code: 'one_text',
        path: `sidecars.db.${path}`,
        suggestion: `Write ${key}: ${list}`,
      },
    ]);
  });

  it.each([
    'command: postgres',
    'command: [postgres, -c, a b]',
    'entrypoint: [sh, -c], command: a b',
    'ready: { exec: pg_isready -U a }',
  ])('%s is what was meant', (keys) => expect(told(ofSidecar(keys))).toEqual([]));
});

describe('memory that no engine gives', () => {
  it.each([
    [ofStep('image: a, memory: 512'), 'steps[0].memory'],
    [ofStep('image: a, memory: 5m'), 'steps[0].memory'],
    [ofDefaults('image: a, memory: 1024k'), 'defaults.memory'],
    [ofSidecar('memory: 4m'), 'sidecars.db.memory'],
  ])('%s', (yaml, path) => {
    expect(told(yaml)).toEqual([`${path}: out_of_range, Write 6m or more, with its unit`]);
  });

  it('6m is enough', () => expect(told(ofStep('image: a, memory: 6m'))).toEqual([]));
});

describe('a text of any length', () => {
  const DIGITS = '7'.repeat(50_000);
  const LETTERS = 'a'.repeat(50_000);

  it.each([
    ofSidecar(`port: "80:${DIGITS}"`),
    ofSidecar(`port: ${DIGITS}`),
    ofSidecar(`cpus: ${DIGITS}`),
    ofSidecar(`memory: ${DIGITS}`),
    ofSidecar(`command: "${LETTERS} ${LETTERS}"`),
    ofPipeline(`sidecars: { db: ${LETTERS} }`),
    ofPipeline(`sidecars: { ${LETTERS}: { image: a, ${LETTERS}: 1 } }`),
    ofPipeline(`${LETTERS}: { run: make }`),
    ofStep(`timeout: ${DIGITS}`),
    ofPipeline(`triggers: [{ push: ${LETTERS} }]`),
    ofPipeline(`triggers: [{ push: [${LETTERS}, ${LETTERS}] }]`),
    ofPipeline(`triggers: [{ schedule: ${LETTERS} }]`),
    ofPipeline(`triggers: [{ schedule: "0 3 * * ${'1,'.repeat(20_000)}1" }]`),
    ofStep(`cache: ${LETTERS}/node_modules`),
    ofStep(`cache: [${LETTERS}]`),
    ofStep(`image: { name: ${LETTERS} }`),
    `name: x\nstages: [${LETTERS}]\n`,
  ])('is cut in what is said of it', (yaml) => {
    const all = told(yaml);
    expect(all).not.toEqual([]);
    const said = compileYaml(yaml).problems.map(({ message }) => message);
    expect(Math.max(...[...all, ...said].map(({ length }) => length))).toBeLessThan(1_000);
  });
});
