import { runMasks } from '../../pipelines/compile/credential-masks.js';
import { dryRun } from '../../pipelines/compile/dry-run.js';
import { planResponse } from '../../pipelines/dry-run/dto/plan.response.js';
import { compileYaml } from '../compiler/compile-yaml.js';
import { renderText } from '../expression/render-text.js';
import type { Plan, StepAction } from '../plan/plan.js';
import { context, finished, OK } from '../runtime/run-plan.fixture.js';
import { StepHandler, type StepAttempt, type StepOutcome } from '../runtime/step-handler.js';
import { stepKinds, UnknownStepKindError, kindOf } from './step-kind-registry.js';
import type * as Kinds from './step-kinds.js';
import type * as Kind from './step-kind.js';
import type * as Readers from '../yaml/expression-readers.js';
import type * as Values from '../yaml/value-readers.js';

interface GreetAction extends StepAction {
  readonly kind: 'greet';
  readonly who: string;
  readonly loud: boolean;
  readonly directory?: string;
}

// The one place where a kind is added: the list.
jest.mock('./step-kinds.js', () => {
  const { STEP_KINDS } = jest.requireActual<typeof Kinds>('./step-kinds.js');
  const { ownForm } = jest.requireActual<typeof Kind>('./step-kind.js');
  const { template } = jest.requireActual<typeof Readers>('../yaml/expression-readers.js');
  const { flag } = jest.requireActual<typeof Values>('../yaml/value-readers.js');
  const key = { value: '', default: '', meaning: '' };
  const greet: Kind.StepKind<GreetAction, GreetAction> = {
    kind: 'greet',
    meaning: 'greets',
    ownForm: ownForm({
      keys: { greet: { ...key, reader: template() }, loud: { ...key, reader: flag() } },
      begunBy: ['greet'],
      read: ({ greet: who = '', loud = false }) => ({ kind: 'greet', who, loud }),
    }),
    compile: (draft) => draft,
    prepare: (action, scope) => ({
      action: { ...action, who: renderText(action.who, scope) },
      variables: { GREETED_BEFORE: 'no' },
    }),
    variables: () => ({ GREETING: 'hello' }),
    credentialUrls: ({ who }) => (who.startsWith('https:') ? [who] : []),
    view: ({ who }) => ({ summary: `greets ${who}` }),
    document: ({ who }) => ({ step_type: 'greet', config: { who } }),
  };
  return { STEP_KINDS: [...STEP_KINDS, greet] };
});

class GreetHandler extends StepHandler<GreetAction> {
  readonly kind = 'greet';
  readonly greeted: StepAttempt<GreetAction>[] = [];

  run(attempt: StepAttempt<GreetAction>): Promise<StepOutcome> {
    this.greeted.push(attempt);
    return Promise.resolve(OK);
  }
}

const yaml = `
name: third
stages:
  - name: a
    steps:
      - { name: hello, greet: '\${{ trigger.branch }}', loud: true, environment: { X: '1' } }
      - echo after
always:
  - { name: bye, greet: all }
`;

function compiled(text: string): Plan {
  const { plan, problems } = compileYaml(text);
  if (plan === undefined) throw new Error(JSON.stringify(problems));
  return plan;
}

function stepsWith(keys: string) {
  return compileYaml(`name: x\nsteps:\n  - { name: a, ${keys} }\n`).problems.map(
    ({ code, message, suggestion }) => ({ code, message, suggestion }),
  );
}

describe('a kind of step that is added to the list', () => {
  it('is registered', () => {
    const kinds = ['shell', 'container', 'build', 'git', 'deploy', 'approval', 'greet'];
    expect(stepKinds.map(({ kind }) => kind)).toEqual(kinds);
    expect(() => kindOf({ kind: 'other' })).toThrow(UnknownStepKindError);
  });

  it('compiles', () => {
    const plan = compiled(yaml);
    expect(plan.stages[0]?.steps.map(({ action }) => action)).toEqual([
      { kind: 'greet', who: '${{ trigger.branch }}', loud: true },
      { kind: 'shell', shell: 'sh', commands: ['echo after'] },
    ]);
    expect(plan.always[0]?.action).toEqual({ kind: 'greet', who: 'all', loud: false });
  });

  it('is known to lint, by its keys and to its keys', () => {
    expect(stepsWith('greet: a, loud: true')).toEqual([]);
    expect(stepsWith('gret: a, run: b')).toMatchObject([
      { code: 'unknown_key', suggestion: 'Did you mean "greet"?' },
    ]);
    expect(stepsWith('greet: a, loud: maybe')).toMatchObject([{ code: 'wrong_type' }]);
    expect(stepsWith('greet: a, shell: bash')).toEqual([
      {
        code: 'conflicting_keys',
        message: '"shell" is no key of a step with "greet".',
        suggestion: 'Remove "shell"',
      },
    ]);
    expect(stepsWith('greet: a, run: b')).toMatchObject([
      { code: 'conflicting_keys', suggestion: 'Make two steps of it' },
    ]);
    expect(stepsWith('loud: true')).toMatchObject([{ code: 'missing_action' }]);
    expect(stepsWith('greet: "${{ steps.no.status }}"')).toMatchObject([{ code: 'unknown_step' }]);
  });

  it('is told by a dry run, without credentials', () => {
    const text = yaml.replace('greet: all', 'greet: "https://me:s3cret@h.example/x"');
    const trigger = { event: 'manual', environment: {}, inputs: {} };
    const run = dryRun({ source: { kind: 'yaml', yaml: text }, trigger });
    if (run.kind !== 'valid') throw new Error(JSON.stringify(run.problems));
    const mask = (shown: string): string => shown.replaceAll('s3cret', '***');
    const { plan } = planResponse(run, [], mask, 64);
    expect(plan?.stages[0]?.steps[0]).toMatchObject({
      kind: 'greet',
      summary: 'greets ${{ trigger.branch }}',
      verdict: 'runs',
      commands: [],
      repository: null,
      working_directory: null,
    });
    expect(plan?.always[0]?.summary).toBe('greets https://me:***@h.example/x');
    expect(runMasks(run.plan, null).maskText('s3cret')).toBe('***');
  });

  it('runs, with its texts evaluated and its variables there', async () => {
    const handler = new GreetHandler();
    const { state } = await finished(compiled(yaml), {
      context: context({ trigger: { event: 'push', branch: 'dev' } }),
      handlers: [handler],
    });
    expect(state.status).toBe('success');
    expect(handler.greeted.map(({ action: { who } }) => who)).toEqual(['dev', 'all']);
    expect(handler.greeted[0]?.environment).toMatchObject({
      X: '1',
      GREETING: 'hello',
      GREETED_BEFORE: 'no',
    });
  });

  it('does not run without its handler, and not with two', async () => {
    await expect(finished(compiled(yaml))).rejects.toThrow('no handler for greet');
    const handlers = [new GreetHandler(), new GreetHandler()];
    await expect(finished(compiled(yaml), { handlers })).rejects.toThrow('two handlers for greet');
  });
});
