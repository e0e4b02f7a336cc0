import { WrittenTerminal } from '../../../test/support/written-text.js';
import type { PlannedStage, PlannedStep, ValidPlan } from '../api/wire-readers.js';
import { renderPlan } from './plan-view.js';

const starts = { code: 'started', message: 'starts' };

function step(name: string, more: Partial<PlannedStep> = {}): PlannedStep {
  return { name, verdict: 'runs', reason: starts, when: null, needs: [], ...more };
}

function stage(name: string, steps: PlannedStep[], more: Partial<PlannedStage> = {}): PlannedStage {
  return { ...step(name), ...more, name, steps };
}

const after = (name: string): Partial<PlannedStep> => ({
  needs: [name],
  reason: { code: 'started', message: `starts after "${name}", if nothing of it fails` },
});

const answer: ValidPlan = {
  valid: true,
  problems: [],
  mermaid: '',
  decision: {
    event: 'push',
    starts: false,
    reason: { code: 'trigger_no_match', message: 'no rule matches' },
    parts: [],
    rules: [
      {
        event: 'push',
        reason: { code: 'rule_other_ref', message: 'the branch "dev" fits none' },
        parts: [],
      },
      {
        event: 'manual',
        reason: { code: 'rule_other_event', message: 'the rule is for "manual"' },
        parts: [],
      },
    ],
  },
  plan: {
    name: 'shop\u001b[2J',
    repository: { url: 'https://example.org/app.git', branch: 'dev', tag: null, commit: null },
    timeout: 3600,
    retry_count: 2,
    resume: true,
    runs_on: ['linux', 'gpu'],
    worker_max_parallel_steps: 64,
    inputs: { level: 3, target: 'prod' },
    stages: [
      stage(
        'build',
        [
          step('compile'),
          step('publish', {
            verdict: 'skipped',
            reason: { code: 'when_false', message: 'its `when` is false' },
            when: {
              expression: "trigger.branch == 'main'",
              result: false,
              parts: [{ text: 'trigger.branch', value: 'dev\u001b]0;x\u0007', known: true }],
            },
            needs: ['compile'],
          }),
        ],
        {
          when: {
            expression: 'env.DEPLOY',
            result: true,
            parts: [{ text: 'env.DEPLOY', value: '1', known: true }],
          },
        },
      ),
      stage(
        'deploy',
        [
          step('rollout', {
            verdict: 'depends',
            reason: { code: 'known_later', message: 'depends on steps.compile.outputs.tag' },
            when: {
              expression: "steps.compile.outputs.tag != ''",
              result: null,
              parts: [{ text: 'steps.compile.outputs.tag', value: null, known: false }],
            },
          }),
          step('tell', {
            verdict: 'fails',
            reason: { code: 'when_error', message: 'its `when` cannot be evaluated' },
            when: { expression: 'int(env.X)', result: null, parts: [] },
          }),
        ],
        after('build'),
      ),
    ],
    on_failure: [],
    always: [
      step('report', {
        reason: { code: 'started', message: 'runs last, however the execution ends' },
      }),
    ],
  },
};

it('a plan is the decision and a tree of what would happen', () => {
  const { terminal } = new WrittenTerminal();
  expect(renderPlan(answer, terminal).join('\n')).toBe(
    `
shop: no execution would start
Why       push: no rule matches
Rules     push: the branch "dev" fits none
          manual: the rule is for "manual"
Clones    https://example.org/app.git, branch dev
Inputs    level = 3, target = "prod"
Labels    linux, gpu
Timeout   1 h 0 min
Retries   2
Resume    a further attempt keeps stages that passed

checkout       would run
build          would run
│    when env.DEPLOY is true; env.DEPLOY = "1"
├─ compile     would run
└─ publish     would be skipped  its \`when\` is false
     when trigger.branch == 'main' is false; trigger.branch = "dev\\u001b]0;x\\u0007"
deploy         would run         starts after "build", if nothing of it fails
├─ rollout     depends           depends on steps.compile.outputs.tag
│    when steps.compile.outputs.tag != '' is not known yet; steps.compile.outputs.tag is not known yet
└─ tell        would fail        its \`when\` cannot be evaluated
     when int(env.X)
always/report  would run         runs last, however the execution ends`.slice(1),
  );
});

it('a plan that starts says so; colours are for terminals, and never hide a word', () => {
  const { terminal } = new WrittenTerminal({ colour: true });
  const { plan } = answer;
  const text = renderPlan(
    {
      ...answer,
      decision: {
        event: 'cli',
        starts: true,
        reason: { code: 'x', message: 'ok' },
        parts: [],
        rules: [],
      },
      plan: {
        ...plan,
        repository: null,
        inputs: {},
        runs_on: [],
        retry_count: 0,
        resume: undefined,
        stages: [stage('a', [step('b', { verdict: 'of a later version' })])],
        always: [],
      },
    },
    terminal,
  ).join('\n');
  expect(text.replace(/\u001b\[\d+m/g, '')).toBe(
    `
shop: an execution would start
Why       cli: ok
Timeout   1 h 0 min

a     would run
└─ b  of a later version  starts`.slice(1),
  );
  expect(text).toContain('\u001b[32man execution would start\u001b[0m');
});
