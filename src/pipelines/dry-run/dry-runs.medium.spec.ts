import type request from 'supertest';
import { ApiUnderTest } from '../../../test/support/api-under-test.js';

const yaml = `name: shop
repository: https://robot:s3cret-word@git.example.org/shop.git
triggers:
  - manual: { inputs: { target: { type: choice, options: [staging, prod], default: staging } } }
  - push: { branches: [main] }
environment: { LEVEL: info }
timeout: 10m
retry_count: 1
runs_on: [linux]
stages:
  - name: build
    steps:
      - { name: compile, run: make, outputs: [version], timeout: 60, retry: { max: 2, on: [timeout, { exit_code: [137] }] } }
      - { name: notes, run: make notes, when: "trigger.branch == 'main'" }
  - name: release
    environment: { TARGET: "\${{ inputs.target }}" }
    steps:
      - { name: ship, run: ./ship, when: "env.TARGET == 'prod'" }
      - { name: tell, run: ./tell, needs: [], when: "stages.build.steps.compile.outputs.version != ''" }
always: [{ name: clean, run: rm -rf out }]
`;

describe('POST /api/ci/pipelines/plan', () => {
  let api: ApiUnderTest;
  const plan = (body: object): request.Test =>
    api.call('post', '/api/ci/pipelines/plan').send(body);

  beforeAll(async () => {
    api = await ApiUnderTest.start();
  });
  afterAll(() => api.stop());

  it('tells plan, decision and graph of a text, and stores nothing', async () => {
    const trigger = { branch: 'dev', inputs: { target: 'prod' }, environment: { EXTRA: '1' } };
    const { body } = await plan({ yaml_content: yaml, trigger }).expect(200);
    expect(body).toMatchObject({
      valid: true,
      problems: [],
      plan: {
        name: 'shop',
        description: null,
        plan_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        repository: {
          branch: 'dev',
          tag: null,
          commit: null,
          depth: 1,
          tags: false,
          submodules: 'none',
          lfs: true,
        },
        timeout: 600,
        retry_count: 1,
        runs_on: ['linux'],
        environment: ['LEVEL', 'EXTRA'],
        inputs: { target: 'prod' },
        stages: [
          {
            name: 'build',
            verdict: 'runs',
            steps: [
              {
                name: 'compile',
                kind: 'shell',
                commands: ['make'],
                verdict: 'runs',
                timeout: 60,
                outputs: ['version'],
                retry: { max: 2, on: ['timeout', { exit_code: [137] }] },
              },
              {
                name: 'notes',
                needs: ['compile'],
                explicit_needs: false,
                verdict: 'skipped',
                reason: { code: 'when_false' },
                when: {
                  expression: "trigger.branch == 'main'",
                  result: false,
                  parts: [{ text: 'trigger.branch', value: 'dev', known: true }],
                },
              },
            ],
          },
          {
            name: 'release',
            needs: ['build'],
            environment: ['TARGET'],
            steps: [
              { name: 'ship', verdict: 'runs', when: { result: true } },
              {
                name: 'tell',
                verdict: 'depends',
                reason: { code: 'needs' },
                when: { result: null },
              },
            ],
          },
        ],
        on_failure: [],
        always: [{ name: 'clean', verdict: 'runs' }],
      },
      decision: {
        event: 'manual',
        starts: true,
        reason: { code: 'trigger_accepted' },
        rules: [
          { event: 'manual', matches: true },
          { event: 'push', matches: false },
        ],
      },
      graph: {
        edges: expect.arrayContaining([
          { from: 'c', to: 's0' },
          { from: 's0', to: 's1' },
          { from: 's1', to: 'a' },
        ]),
      },
      mermaid: expect.stringContaining('subgraph s0["build"]'),
    });
    expect(JSON.stringify(body)).not.toContain('s3cret-word');
    for (const name of ['pipelines', 'pipeline_versions', 'plans', 'executions']) {
      expect(await api.count(name)).toBe(0);
    }
  });

  it.each<[object, boolean, string]>([
    [{ event: 'push', changed_paths: ['src/a.ts'] }, true, 'trigger_accepted'],
    [{ event: 'push', changed_paths: ['a.md'] }, false, 'trigger_no_match'],
    [{ event: 'push' }, false, 'trigger_unsure'],
    [{ event: 'push', message: 'x [no ci]', changed_paths: [] }, false, 'trigger_skipped'],
    [{ event: 'pull_request', pull_request: { base_branch: 'main' } }, true, 'trigger_accepted'],
    [{ event: 'pull_request', pull_request: { base_branch: 'dev' } }, false, 'trigger_no_match'],
    [
      { event: 'pull_request', branch: 'main', pull_request: { fork: true } },
      false,
      'fork_needs_approval',
    ],
  ])('decides %j', async (trigger, starts, code) => {
    const text = `name: x
triggers: [{ push: { paths: { include: ["src/**"] } } }, { pull_request: { branches: [main] } }]
steps: [{ name: a, run: b, when: "trigger.branch == null" }]
`;
    const { body } = await plan({ yaml_content: text, trigger }).expect(200);
    expect([body.decision.starts, body.decision.reason.code]).toEqual([starts, code]);
    const isPullRequest = 'pull_request' in trigger;
    expect(body.plan.stages[0].steps[0].verdict).toBe(isPullRequest ? 'runs' : 'depends');
  });

  it.each([
    { changed_paths: 'a' },
    { pull_request: { action: 'A b' } },
    { pull_request: { x: 1 } },
  ])('refuses %j', async (trigger) => {
    await plan({ yaml_content: yaml, trigger }).expect(400);
  });

  it('credentials of the trigger show nowhere, not even in traces', async () => {
    const text =
      'name: x\nsteps:\n  - { name: a, run: b, when: "trigger.repository == env.URL" }\n';
    const repository = 'https://bot:hunter2hunter2@git.example.org/x.git';
    const trigger = { repository, environment: { URL: repository } };
    const { body } = await plan({ yaml_content: text, trigger }).expect(200);
    expect(body.plan.stages[0].steps[0]).toMatchObject({ verdict: 'runs', when: { result: true } });
    expect(JSON.stringify(body)).not.toContain('hunter2');
  });

  it('of a stored pipeline, its current version; disabled it starts nothing', async () => {
    const id = await api.createPipeline(yaml);
    const push = { pipeline_id: id.toUpperCase(), trigger: { event: 'push', branch: 'main' } };
    const { body } = await plan(push).expect(200);
    expect(body).toMatchObject({
      valid: true,
      decision: {
        event: 'push',
        starts: true,
        reason: { code: 'trigger_accepted' },
        rules: [{ matches: false }, { event: 'push', matches: true }],
      },
    });
    const version = await api.call('get', `/api/ci/pipelines/${id}/versions/1`).expect(200);
    expect(body.plan.plan_hash).toBe(version.body.plan_hash);
    await api.call('patch', `/api/ci/pipelines/${id}`).send({ enabled: false }).expect(200);
    const disabled = await plan({ pipeline_id: id }).expect(200);
    expect(disabled.body.decision).toMatchObject({
      starts: false,
      reason: { code: 'pipeline_disabled' },
    });
    const inputs = { pipeline_id: id, trigger: { inputs: { target: 'moon', other: 1 } } };
    await api.call('patch', `/api/ci/pipelines/${id}`).send({ enabled: true }).expect(200);
    expect((await plan(inputs).expect(200)).body.decision).toMatchObject({
      starts: false,
      reason: { code: 'inputs_invalid', data: { problems: [{}, {}] } },
    });
    expect(await api.count('executions')).toBe(0);
  });

  it('a text with errors is not valid, with all its problems', async () => {
    const { body } = await plan({ yaml_content: 'name: x\nstagess: []\n' }).expect(200);
    expect(body).toMatchObject({
      valid: false,
      plan: null,
      decision: null,
      graph: null,
      mermaid: null,
    });
    expect(body.problems.length).toBeGreaterThan(0);
  });

  it.each([
    [{}],
    [{ yaml_content: yaml, pipeline_id: '01932f5e-7c3a-7b21-9c44-0d2f6f0a1b2c' }],
    [{ yaml_content: '' }],
    [{ pipeline_id: 'x' }],
    [{ yaml_content: yaml, trigger: 'push' }],
    [{ yaml_content: yaml, trigger: [] }],
    [{ yaml_content: yaml, trigger: { event: 'nonsense' } }],
    [{ yaml_content: yaml, trigger: { branch: '-x' } }],
    [{ yaml_content: yaml, trigger: { branch: 'a', tag: 'b' } }],
    [{ yaml_content: yaml, trigger: { unknown: 1 } }],
    [{ yaml_content: yaml, trigger: { environment: { CI_X: 'a' } } }],
    [{ yaml_content: yaml, other: 1 }],
  ])('refuses %j', async (body) => {
    expect((await plan(body).expect(400)).body.error).toBe('ValidationError');
  });

  it('knows no pipeline that is not there', async () => {
    await plan({ pipeline_id: '01932f5e-7c3a-7b21-9c44-0d2f6f0a1b2c' }).expect(404);
  });

  it('is refused over 1 MiB', async () => {
    await plan({ yaml_content: `name: x\nsteps: [a]\n${'#'.repeat(1_048_576)}` }).expect(422);
  });
});
