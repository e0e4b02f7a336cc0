import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import type { Plan, RunContext } from '../../engine/plan/plan.js';
import type { WhenTrace } from '../../engine/plan/run-state.js';
import { pendingState } from '../../engine/runtime/pending-state.js';
import type { PlansService } from '../../pipelines/versions/plans.service.js';
import type { WorkersRepository } from '../../workers/workers.repository.js';
import { pendingExecution } from '../record/execution.fixture.js';
import type { ExecutionListsRepository } from '../record/execution-lists.repository.js';
import type { StoredTrace } from '../record/execution-trace.schema.js';
import type { ExecutionTracesRepository } from '../record/execution-traces.repository.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { runContextOf } from '../record/run-context.js';
import { storedRun } from '../record/stored-state.js';
import { ExecutionExplainer } from './execution-explainer.js';
import type { RecentlyFinished } from './finished-lately.js';

Logger.overrideLogger(false);

const YAML = `
name: p
stages:
  - { name: a, when: "true", steps: [{ name: x, when: "false", run: ok }] }
  - { name: b, steps: [{ name: x, run: ok }] }
`;
const { plan } = compileYaml(YAML);
if (!plan) throw new Error('does not compile');
const compiled: Plan = plan;
const trace = (text: string) => ({ text, value: true }) as unknown as WhenTrace;

describe('ExecutionExplainer', () => {
  let execution: ExecutionRecord;
  let stored: StoredTrace[];
  let planFailure: Error | undefined;
  let asked: string[];
  let explainer: ExecutionExplainer;

  beforeEach(() => {
    const blank = pendingExecution();
    const context: RunContext = runContextOf(blank);
    execution = { ...blank, ...storedRun(pendingState(compiled, context)) };
    stored = [
      { stage: 'a', step: null, trace: trace('of the stage') },
      { stage: 'a', step: 'x', trace: trace('of its step') },
    ];
    planFailure = undefined;
    asked = [];
    explainer = new ExecutionExplainer(
      standIn<ExecutionTracesRepository>({
        find: async (_id, attempt) => {
          asked.push(`traces ${attempt}`);
          return stored;
        },
      }),
      standIn<ExecutionListsRepository>({ pendingBefore: async () => 3 }),
      standIn<RecentlyFinished>({
        of: async (pipelineId) => {
          asked.push(`finished ${pipelineId === undefined ? 'of all' : 'of the pipeline'}`);
          return [];
        },
      }),
      standIn<WorkersRepository>({ live: async () => [] }),
      standIn<PlansService>({
        get: async () => {
          if (planFailure) throw planFailure;
          return compiled;
        },
      }),
    );
  });

  it('gives each `when` to the stage or the step that it is of, and to no other of that name', async () => {
    const { stages } = await explainer.explain(execution);
    expect(stages).toMatchObject([
      { name: 'a', when: trace('of the stage'), steps: [{ when: trace('of its step') }] },
      { name: 'b', when: null, steps: [{ name: 'x', when: null }] },
    ]);
  });

  it('names what each step puts into service, in all of its attempts', async () => {
    const facts = (id: string) => ({ id, environment: 'production', service: 'shop' });
    const tries = [facts('d1'), undefined, facts('d2')].map((deployment, index) => ({
      ...{ number: index + 1, status: 'failed', reason: null },
      ...(deployment && { deployment }),
    }));
    const [first, ...more] = execution.stages;
    if (!first) throw new Error('no stage');
    const steps = first.steps.map((step) => ({ ...step, attempts: tries as never }));
    const told = await explainer.explain({ ...execution, stages: [{ ...first, steps }, ...more] });
    expect(told.stages[0]?.steps[0]?.deployments).toEqual([facts('d1'), facts('d2')]);
    expect(told.stages[1]?.steps[0]?.deployments).toEqual([]);
  });

  it('says of what is pending what it waits for', async () => {
    const { queue, reason, estimate, critical_path } = await explainer.explain(execution);
    expect(queue).toMatchObject({ ahead: 3, workers: 0 });
    expect(reason).toMatchObject({ code: 'no_worker' });
    expect(reason).toBe(queue?.waits_for[0]);
    expect([estimate, critical_path]).toEqual([null, []]);
    expect(asked.sort()).toEqual(['finished of all', 'finished of the pipeline', 'traces 0']);
  });

  it('asks for no queue of what runs, and reads the traces of its attempt', async () => {
    const running = { ...execution, status: 'running', attempt: 2, reason: null } as const;
    const { queue, reason } = await explainer.explain({ ...running, started_at: new Date() });
    expect([queue, reason]).toEqual([null, null]);
    expect(asked.sort()).toEqual(['finished of the pipeline', 'traces 2']);
  });

  it('guesses nothing of what is over', async () => {
    const { estimate } = await explainer.explain({ ...execution, status: 'success' });
    expect(estimate).toBeNull();
    expect(asked).toEqual(['traces 0']);
  });

  it('explains without a plan, but not without the database', async () => {
    const started = { ...execution, status: 'running', started_at: new Date() } as const;
    planFailure = new Error('plan h is not stored');
    expect(await explainer.explain(started)).toMatchObject({ critical_path: [] });
    planFailure = Object.assign(new Error('away'), { name: 'MongoNetworkError' });
    await expect(explainer.explain(started)).rejects.toThrow('away');
  });
});
