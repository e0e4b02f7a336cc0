import { ownTime } from '../../../test/support/own-time.js';
import fc from 'fast-check';
import { compileYaml } from '../compiler/compile-yaml.js';
import type { Plan, StagePlan } from '../plan/plan.js';
import { context, EXIT_1, finished, OK, plan, step } from '../runtime/run-plan.fixture.js';
import type { NodePreview, PreviewContext, RunPreview } from './preview.js';
import { previewRun } from './run-preview.js';

function compiled(yaml: string): Plan {
  const { plan: made, problems } = compileYaml(yaml);
  if (made === undefined) throw new Error(JSON.stringify(problems));
  return made;
}

function preview(yaml: string, change: Partial<PreviewContext> = {}): RunPreview {
  const of = compiled(yaml);
  return previewRun(of, {
    pipelineName: of.name,
    trigger: { event: 'manual', actor: 'ada' },
    inputs: {},
    environment: {},
    mask: (text) => text.replaceAll('s3cret', '***'),
    ...change,
  });
}

/** Verdicts by name, of a pipeline of one stage. */
function steps(text: string, change?: Partial<PreviewContext>): Record<string, string> {
  const { stages } = preview(`name: x\nstages:\n  - name: s\n    steps:\n${text}`, change);
  return Object.fromEntries((stages[0]?.steps ?? []).map(({ name, verdict }) => [name, verdict]));
}

function find(of: RunPreview, stage: string, name?: string): NodePreview {
  const own = of.stages.find((one) => one.name === stage);
  const found = name === undefined ? own : own?.steps.find((one) => one.name === name);
  if (!found) throw new Error(`no ${stage}/${name}`);
  return found;
}

describe('what a run would do', () => {
  it('without conditions everything runs', () => {
    const of = preview('name: x\nsteps: [a, b]\n');
    expect(find(of, 'main').reason).toEqual({ code: 'started', message: 'starts' });
    const second = of.stages[0]?.steps[1];
    expect(second).toMatchObject({ verdict: 'runs', reason: { code: 'started' } });
    expect(second?.reason.message).toBe('starts after "step-1", if nothing of it fails');
  });

  it('does not know where sidecars are', () => {
    const when = "env.CI_SIDECAR_DB_HOST == 'db'";
    const yaml = `name: x\nsidecars: { db: { image: i } }\nsteps: [{ name: a, run: b, when: "${when}" }]\n`;
    expect(find(preview(yaml), 'main', 'a').verdict).toBe('depends');
  });

  it.each<[PreviewContext['trigger'], string, string]>([
    [{ event: 'pull_request', base: { branch: 'main' } }, "trigger.branch == 'main'", 'skipped'],
    [{ event: 'pull_request', base: { branch: 'main' } }, "trigger.base.branch == 'main'", 'runs'],
    [{ event: 'pull_request' }, "trigger.base.branch == 'main'", 'depends'],
    [{ event: 'pull_request' }, 'trigger.number > 1', 'depends'],
    [{ event: 'pull_request' }, "env.CI_PR_TITLE == 'x'", 'depends'],
    [{ event: 'push', branch: 'main' }, "env.CI_COMMIT_SHORT == 'x'", 'depends'],
    [{ event: 'push', branch: 'main' }, "trigger.tag == 'v1'", 'skipped'],
    [{ event: 'tag', tag: 'v1' }, "trigger.branch == 'main'", 'skipped'],
  ])('of %j it knows what %s is: %s', (trigger, when, verdict) => {
    const repository = 'https://git.example.org/x.git';
    const yaml = `name: x\nrepository: ${repository}\nsteps: [{ name: a, run: b, when: "${when}" }]\n`;
    expect(find(preview(yaml, { trigger }), 'main', 'a').verdict).toBe(verdict);
  });

  it('knows no value of a secret, and leaves open what hangs on it', () => {
    const yaml = `name: x
secrets: [A_KEY]
environment: { OWN: "\${{ env.A_KEY }}" }
stages:
  - { name: s, steps: [{ name: by-secret, run: a, when: "env.A_KEY == 'x'" }] }
  - { name: t, steps: [{ name: by-derived, run: a, when: "env.OWN == 'x'" }] }
  - { name: u, steps: [{ name: by-other, run: a, when: "env.B_KEY == 'x'" }] }
`;
    // What a trigger says of it does not count.
    const of = preview(yaml, { environment: { A_KEY: 'x' } });
    expect(find(of, 's', 'by-secret').verdict).toBe('depends');
    expect(find(of, 't', 'by-derived').verdict).toBe('depends');
    expect(find(of, 'u', 'by-other').verdict).toBe('skipped');
  });

  it('tells by the trigger which steps run, with the value of every part', () => {
    const yaml = `name: x
environment: { LEVEL: "\${{ inputs.level }}" }
triggers: [{ manual: { inputs: { level: { type: string, default: low } } } }]
stages:
  - name: s
    steps:
      - { name: by-branch, run: a, when: "trigger.branch == 'main'" }
      - { name: by-input, run: a, when: "env.LEVEL == 'high' || inputs.level == 'top'" }
`;
    const dev = preview(yaml, {
      trigger: { event: 'manual', branch: 'dev' },
      inputs: { level: 'high' },
    });
    expect(find(dev, 's', 'by-branch')).toEqual({
      name: 'by-branch',
      verdict: 'skipped',
      reason: {
        code: 'when_false',
        message: "its `when` is false: trigger.branch == 'main'",
        data: { when: "trigger.branch == 'main'" },
      },
      trace: {
        expression: "trigger.branch == 'main'",
        result: false,
        parts: [{ text: 'trigger.branch', value: 'dev', known: true }],
      },
    });
    expect(find(dev, 's', 'by-input')).toMatchObject({
      verdict: 'runs',
      trace: {
        result: true,
        parts: expect.arrayContaining([{ text: 'env.LEVEL', value: 'high', known: true }]),
      },
    });
  });

  it.each([
    ['      - { name: a, run: x }\n      - { name: b, run: x, when: failure() }\n', 'depends'],
    ['      - { name: b, run: x, when: failure() }\n', 'skipped'],
    [
      '      - { name: a, run: x, when: "false" }\n      - { name: b, run: x, when: failure() }\n',
      'skipped',
    ],
    [
      '      - { name: a, run: x, continue_on_error: true }\n      - { name: b, run: x, when: failure() }\n',
      'skipped',
    ],
    ['      - { name: a, run: x }\n      - { name: b, run: x, when: always() }\n', 'runs'],
    ['      - { name: a, run: x }\n      - { name: b, run: x, when: success() }\n', 'runs'],
    [
      '      - { name: a, run: x }\n      - { name: b, run: x, when: "success() && 1 == 2" }\n',
      'skipped',
    ],
    [
      '      - { name: a, run: x }\n      - { name: b, run: x, when: "failure() && 1 == 2" }\n',
      'skipped',
    ],
    [
      '      - { name: a, run: x }\n      - { name: b, run: x, when: "failure() || true" }\n',
      'runs',
    ],
    [
      '      - { name: a, run: x, outputs: [o] }\n      - { name: b, run: x, when: steps.a.outputs.o }\n',
      'depends',
    ],
    [
      '      - { name: a, run: x, outputs: [o] }\n      - { name: b, run: x, environment: { V: "${{ steps.a.outputs.o }}" }, when: env.V }\n',
      'depends',
    ],
    ['      - { name: a, run: x }\n      - { name: b, run: x, when: "cancelled()" }\n', 'depends'],
    [
      '      - { name: b, run: x, environment: { BAD: "(" }, when: "matches(\'a\', env.BAD)" }\n',
      'fails',
    ],
  ])('%s', (text, verdict) => {
    const answer = steps(text)['b'];
    // `cancelled()` is for hooks: no step sees it.
    expect(answer).toBe(text.includes('cancelled()') ? 'skipped' : verdict);
  });

  it('knows the variables that are the same everywhere, and no folders', () => {
    const yaml = `name: x
environment:
  FULL: "\${{ env.FIRST }}/\${{ env.SECOND }}"
  SECOND: "\${{ inputs.level }}"
  FIRST: "\${{ env.LANG }}"
  CACHE: "\${{ env.NEAR }}/cache"
  NEAR: "\${{ env.HOME }}"
  PATH: "/opt:\${{ env.PATH }}"
stages:
  - name: s
    when: env.TERM == 'dumb'
    steps:
      - { name: path, run: a, when: "startsWith(env.PATH, '/opt:/usr/local/sbin:')" }
      - { name: shell, run: a, shell: bash, when: "env.SHELL == '/bin/bash'" }
      - { name: siblings, run: a, when: "env.FULL == 'C.UTF-8/top'" }
      - { name: folder, run: a, when: "env.HOME == '/x'" }
      - { name: of-folder, run: a, when: "env.CACHE == '/x'" }
      - { name: output, run: a, when: "env.CI_OUTPUT == '/x'" }
      - { name: given, run: a, environment: { HOME: /x }, when: "env.HOME == '/x'" }
triggers: [{ manual: { inputs: { level: { type: string, default: low } } } }]
always:
  - { name: hook, run: a, when: "env.SHELL == '/bin/sh'" }
`;
    const of = preview(yaml, { inputs: { level: 'top' } });
    expect(find(of, 's').verdict).toBe('runs');
    const verdicts = of.stages[0]?.steps.map(({ name, verdict }) => `${name} ${verdict}`);
    expect(verdicts).toEqual([
      'path runs',
      'shell runs',
      'siblings runs',
      'folder depends',
      'of-folder depends',
      'output depends',
      'given runs',
    ]);
    expect(of.always[0]?.verdict).toBe('runs');
    const replaced = preview(yaml, { inputs: { level: 'top' }, environment: { NEAR: '/n' } });
    expect(find(replaced, 's', 'of-folder').verdict).toBe('skipped');
  });

  it('a failure that is certain is taken into account', () => {
    const of = preview(`name: x
stages:
  - name: first
    steps:
      - { name: broken, run: a, environment: { BAD: "(" }, when: "matches('a', env.BAD)" }
      - { name: behind, run: a }
      - { name: rescue, run: a, needs: [broken], when: failure() }
  - { name: second, steps: [{ name: a, run: a }] }
  - { name: third, when: failure(), steps: [{ name: a, run: a }] }
`);
    expect(find(of, 'first', 'broken').reason.code).toBe('expression_failed');
    expect(find(of, 'first', 'behind')).toMatchObject({
      verdict: 'skipped',
      reason: { code: 'need_failed', data: { failed: 'broken' } },
    });
    expect(find(of, 'first', 'rescue').verdict).toBe('runs');
    expect(find(of, 'second').reason).toMatchObject({ code: 'need_failed' });
    expect(find(of, 'second', 'a').reason).toMatchObject({
      code: 'need_failed',
      data: { stage: 'second' },
    });
    expect(find(of, 'third').verdict).toBe('runs');
  });

  it('stages: skipped with their steps, uncertain with their steps, empty ones', () => {
    const of = preview(`name: x
stages:
  - name: a
    when: "false"
    steps: [{ name: s, run: x }]
  - name: b
    steps: [{ name: s, run: x, when: "false" }]
  - name: c
    when: failure()
    steps: [{ name: s, run: x }, { name: never, run: x, when: "false" }]
`);
    expect(find(of, 'a', 's').reason).toMatchObject({ code: 'when_false', data: { stage: 'a' } });
    expect(find(of, 'b').reason.code).toBe('steps_skipped');
    // Nothing before it can fail: both were skipped.
    expect(find(of, 'c').verdict).toBe('skipped');
  });

  it('a forge tells more than the question; what it will tell is not known', () => {
    const text = '      - { name: a, run: x, when: "contains(trigger.message, \'x\')" }\n';
    expect(steps(text, { trigger: { event: 'push', branch: 'main' } })['a']).toBe('depends');
    expect(steps(text, { trigger: { event: 'manual' } })['a']).toBe('skipped');
  });

  it('what only the run knows', () => {
    const text = (name: string): string =>
      `      - { name: a, run: x, when: "env.${name} == 'x'" }\n`;
    expect(steps(text('CI_EXECUTION_ID'))['a']).toBe('depends');
    expect(steps(text('CI_COMMIT'))['a']).toBe('skipped');
    const of = preview(
      'name: x\nrepository: https://example.org/a.git\nsteps:\n  - { name: a, run: x, when: "env.CI_COMMIT == \'x\'" }\n',
    );
    expect(of.stages[0]?.steps[0]?.reason).toEqual({
      code: 'known_later',
      message: 'depends on env.CI_COMMIT',
      data: { unknown: ['env.CI_COMMIT'] },
    });
    expect(steps(text('CI_STEP'))['a']).toBe('skipped');
  });

  describe('what will be cloned', () => {
    const ANSWERS = { branch: 'main', tag: 'v1', commit: 'c'.repeat(40) };
    const plans = [
      undefined,
      {},
      { branch: 'main' },
      { branch: 'dev' },
      { branch: '${{ inputs.branch }}' },
      { tag: 'v1' },
      { commit: ANSWERS.commit },
    ];
    const triggers = [
      {},
      { branch: 'main' },
      { branch: 'dev' },
      { tag: 'v1' },
      { commit: 'ccccccc' },
    ];
    const all = plans.flatMap((planned) => triggers.map((trigger) => [planned, trigger] as const));

    it.each(all)('plan %j, trigger %j: as the run then says', async (planned, named) => {
      const of: Plan = {
        ...plan([
          {
            ...emptyStage('s'),
            steps: ['branch', 'tag', 'commit'].map((key) =>
              step(key, {
                needs: [],
                when: `trigger.${key} == '${ANSWERS[key as 'branch']}' || env.CI_${key.toUpperCase()} == 'x'`,
              }),
            ),
          },
        ]),
        ...(planned && { repository: { url: 'https://example.org/a.git', ...planned } }),
      };
      const trigger = { event: 'manual', ...named };
      const inputs = { branch: 'main' };
      const shown = previewRun(of, { ...nothing, pipelineName: 'x', trigger, inputs });
      const follows = Object.keys({ ...planned, ...named }).length === 0;
      const { traces } = await finished(of, {
        context: context({ trigger, inputs }),
        git: () => ({
          kind: 'success',
          commit: { sha: ANSWERS.commit, message: '', author: '' },
          ...(follows && { branch: 'main' }),
        }),
      });
      for (const { name, verdict, trace } of shown.stages[0]?.steps ?? []) {
        const real = traces.find(({ step: of }) => of === name)?.trace;
        const said = { runs: true, skipped: false, depends: null, fails: null }[verdict];
        if (said !== null) expect([name, said]).toEqual([name, real?.result]);
        for (const part of trace?.parts.filter(({ known }) => known) ?? []) {
          expect(real?.parts).toContainEqual({ text: part.text, value: part.value });
        }
      }
    });

    it('is known later where nothing is named, and at once where something is', () => {
      const asks = (repository: string): NodePreview | undefined =>
        preview(
          `name: x\nrepository: ${repository}\nstages:\n  - { name: release, when: trigger.branch == 'main', steps: [a] }\n`,
        ).stages[0];
      const url = 'https://example.org/a.git';
      expect(asks(url)).toMatchObject({
        verdict: 'depends',
        reason: { code: 'known_later', data: { unknown: ['trigger.branch'] } },
      });
      expect(asks(`{ url: "${url}", branch: main }`)?.verdict).toBe('runs');
      expect(asks(`{ url: "${url}", tag: v1 }`)?.verdict).toBe('skipped');
    });
  });

  it('hooks', () => {
    const of = preview(`name: x
steps: [a]
on_failure: [{ name: tell, run: x }, { name: never, run: x, when: "success()" }]
always: [{ name: clean, run: x }, { name: good, run: x, when: "success()" }]
`);
    expect(of.onFailure.map(({ verdict, reason }) => [verdict, reason.code])).toEqual([
      ['depends', 'stages'],
      ['skipped', 'when_false'],
    ]);
    expect(of.always.map(({ verdict, reason }) => [verdict, reason.code])).toEqual([
      ['runs', 'started'],
      ['depends', 'stages'],
    ]);
  });

  it('masks and cuts', () => {
    const long = 's3cret'.repeat(100);
    const { stages } = preview(
      'name: x\nsteps:\n  - { name: a, run: x, when: "env.LONG == \'s3cret\'" }\n',
      { environment: { LONG: long } },
    );
    const text = JSON.stringify(stages);
    expect(text).not.toContain('s3cret');
    expect(String(stages[0]?.steps[0]?.trace?.parts[0]?.value).length).toBeLessThanOrEqual(200);
  });

  it('a thousand steps in a chain, and many stages, in short time', () => {
    const list = Array.from({ length: 990 }, (_each, i) =>
      step(`s${i}`, { needs: i === 0 ? [] : [`s${i - 1}`] }),
    );
    const of = plan([{ ...emptyStage('one'), steps: list }]);
    const took = ownTime(() => {
      const shown = previewRun(of, { ...nothing, pipelineName: 'x' });
      expect(shown.stages[0]?.steps.every(({ verdict }) => verdict === 'runs')).toBe(true);
    });
    expect(took).toBeLessThan(3_000);
  });
});

const nothing: Omit<PreviewContext, 'pipelineName'> = {
  trigger: { event: 'manual' },
  inputs: {},
  environment: {},
  mask: (text) => text,
};

function emptyStage(name: string): StagePlan {
  return { name, needs: [], explicitNeeds: true, environment: {}, maxParallel: 1000, steps: [] };
}

describe('any plan', () => {
  const WHENS = [
    undefined,
    undefined,
    'true',
    'false',
    'success()',
    'failure()',
    'always()',
    "trigger.event == 'manual' || failure()",
    "trigger.event == 'push' || failure()",
    "failure() && inputs.x == 'y'",
    '!failure()',
    "steps.s0.status == 'skipped'",
    "stages.g0.status == 'success'",
    "env.LATE == 'success'",
  ];
  const stepShape = fc.record({
    needs: fc.array(fc.nat(20), { maxLength: 3 }),
    when: fc.constantFrom(...WHENS, "hashFiles('x')"),
    continueOnError: fc.boolean(),
    fails: fc.boolean(),
  });
  const stageShape = fc.record({
    needs: fc.array(fc.nat(20), { maxLength: 2 }),
    when: fc.constantFrom(...WHENS),
    steps: fc.array(stepShape, { minLength: 1, maxLength: 4 }),
  });
  const planShape = fc.array(stageShape, { minLength: 1, maxLength: 5 });

  function planOf(shape: typeof planShape extends fc.Arbitrary<infer T> ? T : never): Plan {
    return plan(
      shape.map((stage, index) => ({
        ...emptyStage(`g${index}`),
        needs: index === 0 ? [] : [...new Set(stage.needs.map((need) => `g${need % index}`))],
        environment: { LATE: '${{ stages.g0.status }}' },
        ...(stage.when !== undefined && { when: stage.when }),
        steps: stage.steps.map((one, at) =>
          step(`s${at}`, {
            needs: at === 0 ? [] : [...new Set(one.needs.map((need) => `s${need % at}`))],
            continueOnError: one.continueOnError,
            run: one.fails ? 'fail' : 'pass',
            ...(one.when !== undefined && { when: one.when }),
          }),
        ),
      })),
    );
  }

  /** Statuses that a run may end with, by what was said before. */
  const ALLOWED = {
    runs: ['success', 'failed', 'skipped'],
    skipped: ['skipped'],
    depends: ['success', 'failed', 'skipped'],
    fails: ['failed', 'skipped'],
  } as const;

  it('is not sure which of two steps fails that both would', () => {
    const fails = { needs: [], when: "hashFiles('x')", continueOnError: false, fails: false };
    const after = { ...fails, when: 'failure()', needs: [1] };
    const of = (first: typeof fails): Plan =>
      planOf([{ needs: [], when: undefined, steps: [first, fails, after] }]);
    const verdicts = (one: Plan) =>
      previewRun(one, { ...nothing, pipelineName: 'x' }).stages[0]?.steps.map(
        ({ verdict }) => verdict,
      );
    // The stage fails with the first of them and skips the other, which then is no failure for what
    // needs it.
    expect(verdicts(of(fails))).toEqual(['fails', 'fails', 'depends']);
    expect(verdicts(of({ ...fails, continueOnError: true }))).toEqual(['fails', 'fails', 'runs']);
  });

  it('says what the runtime then does', async () => {
    await fc.assert(
      fc.asyncProperty(planShape, fc.boolean(), async (shape, someFail) => {
        const of = planOf(shape);
        const shown = previewRun(of, { ...nothing, pipelineName: of.name, pipelineId: 'p1' });
        const { state, shell, traces } = await finished(of, {
          script: ({ attempt }) =>
            someFail && JSON.stringify(attempt.action).includes('fail') ? EXIT_1 : OK,
        });
        const ran = new Set(
          shell.calls.map(({ attempt }) => `${attempt.address.stage}/${attempt.address.step}`),
        );
        const certain = state.status === 'success';
        for (const [index, stage] of shown.stages.entries()) {
          const real = state.stages[index];
          expect(ALLOWED[stage.verdict]).toContain(real?.status);
          if (certain && stage.verdict === 'runs') expect(real?.status).toBe('success');
          for (const [at, one] of stage.steps.entries()) {
            const status = real?.steps[at]?.status;
            expect(ALLOWED[one.verdict]).toContain(status);
            if (one.verdict === 'skipped' || one.verdict === 'fails') {
              expect(ran.has(`${stage.name}/${one.name}`)).toBe(false);
            }
            if (certain && one.verdict === 'runs') {
              expect(ran.has(`${stage.name}/${one.name}`)).toBe(true);
            }
          }
          for (const node of [
            { ...stage, step: undefined },
            ...stage.steps.map((one) => ({ ...one, step: one.name })),
          ]) {
            const real = traces.find(
              (each) => each.stage === stage.name && each.step === node.step,
            );
            if (!real || !node.trace) continue;
            if (node.trace.result !== null) expect(node.trace.result).toBe(real.trace.result);
            for (const part of node.trace.parts.filter(({ known }) => known)) {
              const same = real.trace.parts.find(({ text }) => text === part.text);
              if (same) expect(Boolean(part.value)).toBe(Boolean(same.value));
            }
          }
        }
      }),
      { numRuns: 400 },
    );
  }, 60_000);
});
