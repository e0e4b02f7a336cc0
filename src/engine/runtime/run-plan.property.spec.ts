import fc from 'fast-check';
import type { Plan, StagePlan, StepPlan } from '../plan/plan.js';
import type { RunState, RunStatus, StageState, StepState } from '../plan/run-state.js';
import { canMove, isTerminal } from '../plan/run-status.js';
import {
  BROKEN,
  CANCEL,
  EXIT_1,
  INTERRUPT,
  OK,
  SUSPENDED,
  plan,
  settled,
  start,
  step,
} from './run-plan.fixture.js';
import type { Bench, Call } from './run-plan.fixture.js';
import type { RunResult } from './run-ports.js';
import type { StepOutcome } from './step-handler.js';

/**
 * Random plans, random outcomes, random moments of time passing and of a stop; every state that the
 * run shows is checked against what may never be otherwise.
 */

const WHENS = [
  undefined,
  undefined,
  undefined,
  'true',
  'false',
  'success()',
  'failure()',
  'always()',
  "trigger.event == 'manual' || failure()",
  'nonsense(',
];

const stepShape = fc.record({
  needs: fc.array(fc.nat(20), { maxLength: 3 }),
  when: fc.constantFrom(...WHENS),
  continueOnError: fc.boolean(),
  timeoutMs: fc.constantFrom(undefined, 50, 5000),
  retry: fc.nat(2),
  broken: fc.boolean(),
});

const stageShape = fc.record({
  needs: fc.array(fc.nat(20), { maxLength: 2 }),
  when: fc.constantFrom(...WHENS),
  timeoutMs: fc.constantFrom(undefined, undefined, 80, 8000),
  maxParallel: fc.integer({ min: 1, max: 3 }),
  steps: fc.array(stepShape, { minLength: 1, maxLength: 5 }),
});

const planShape = fc.record({
  stages: fc.array(stageShape, { minLength: 1, maxLength: 5 }),
  timeoutMs: fc.constantFrom(3_600_000, 200, 20_000),
  onFailure: fc.array(stepShape, { maxLength: 2 }),
  always: fc.array(stepShape, { maxLength: 2 }),
  repository: fc.boolean(),
});

const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fail' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('suspend' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), which: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), which: fc.nat(3000) }) },
);

const runShape = fc.record({
  plan: planShape,
  events: fc.array(event, { maxLength: 40 }),
  maxParallelSteps: fc.integer({ min: 1, max: 4 }),
  stop: fc.option(fc.record({ at: fc.nat(15), request: fc.constantFrom(CANCEL, INTERRUPT) }), {
    nil: undefined,
  }),
});

type Shape<A> = A extends fc.Arbitrary<infer T> ? T : never;

function stepOfShape(shape: Shape<typeof stepShape>, index: number, isHook: boolean): StepPlan {
  const needs = isHook || index === 0 ? [] : shape.needs.map((need) => `s${need % index}`);
  const base = step(`s${index}`, {
    needs: [...new Set(needs)],
    continueOnError: shape.continueOnError,
    retry: { max: shape.retry },
    run: shape.broken ? 'echo ${{ nonsense }}' : 'echo',
  });
  return {
    ...base,
    ...(shape.when !== undefined && { when: shape.when }),
    ...(shape.timeoutMs !== undefined && { timeoutMs: shape.timeoutMs }),
  };
}

function planOfShape(shape: Shape<typeof planShape>): Plan {
  const stages = shape.stages.map((stage, index): StagePlan => ({
    name: `g${index}`,
    needs: index === 0 ? [] : [...new Set(stage.needs.map((need) => `g${need % index}`))],
    explicitNeeds: true,
    environment: {},
    maxParallel: stage.maxParallel,
    ...(stage.when !== undefined && { when: stage.when }),
    ...(stage.timeoutMs !== undefined && { timeoutMs: stage.timeoutMs }),
    steps: stage.steps.map((one, at) => stepOfShape(one, at, false)),
  }));
  return plan(stages, {
    timeoutMs: shape.timeoutMs,
    onFailure: shape.onFailure.map((one, at) => stepOfShape(one, at, true)),
    always: shape.always.map((one, at) => stepOfShape(one, at, true)),
    ...(shape.repository && { repository: { url: 'https://example.org/x.git' } }),
  });
}

const OUTCOMES: Readonly<Record<'end' | 'fail' | 'break' | 'suspend', StepOutcome>> = {
  end: OK,
  fail: EXIT_1,
  break: BROKEN,
  suspend: SUSPENDED,
};

interface Seen {
  readonly bench: Bench;
  readonly outcome: RunResult['kind'];
  readonly final: RunState;
}

async function play(of: Plan, run: Shape<typeof runShape>, resumeFrom?: RunState): Promise<Seen> {
  const bench = start(of, {
    ...(resumeFrom && { resumeFrom }),
    maxParallelSteps: run.maxParallelSteps,
    script: () => undefined,
    git: () => undefined,
  });
  let done = false;
  const result = bench.result.then((value) => {
    done = true;
    return value;
  });
  await settled();
  for (const [index, one] of run.events.entries()) {
    if (done) break;
    if (run.stop?.at === index) bench.stop(run.stop.request);
    await settled();
    if (one.do === 'wait') {
      await bench.clock.advance(one.which);
      continue;
    }
    const calls: Call[] = [...bench.git.open, ...bench.shell.open];
    const call = calls[one.which % Math.max(1, calls.length)];
    if (one.do === 'crash') call?.crash(new Error('handler is broken'));
    else call?.end(OUTCOMES[one.do]);
    await settled();
  }
  for (let round = 0; !done && round < 500; round += 1) {
    for (const call of [...bench.git.open, ...bench.shell.open]) call.end(OK);
    await bench.clock.advance(round < 400 ? 1000 : 100_000);
    await settled();
  }
  if (!done) throw new Error(`the run does not end: ${JSON.stringify(bench.last())}`);
  const { kind, state } = await result;
  return { bench, outcome: kind, final: state };
}

function allSteps(state: RunState): { readonly key: string; readonly step: StepState }[] {
  const groups: [string, readonly StepState[]][] = [
    ['', state.checkout ? [state.checkout] : []],
    ...state.stages.map((stage): [string, readonly StepState[]] => [stage.name, stage.steps]),
    ['on_failure', state.onFailure],
    ['always', state.always],
  ];
  return groups.flatMap(([group, steps]) =>
    steps.map((one) => ({ key: `${group}/${one.name}`, step: one })),
  );
}

function subjects(
  state: RunState,
): Map<string, { status: RunStatus; value: unknown; reason: unknown }> {
  const all = new Map<string, { status: RunStatus; value: unknown; reason: unknown }>();
  all.set('run', { status: state.status, value: state.status, reason: state.reason });
  for (const stage of state.stages) {
    const own = { ...stage, steps: undefined };
    all.set(`stage ${stage.name}`, { status: stage.status, value: own, reason: stage.reason });
  }
  for (const { key, step: one } of allSteps(state)) {
    all.set(key, { status: one.status, value: one, reason: one.reason });
  }
  return all;
}

/** One published state may stand for several moves of one turn. */
function reachable(from: RunStatus, to: RunStatus): boolean {
  const seen = new Set<RunStatus>([from]);
  for (const status of seen) {
    for (const next of ['pending', 'waiting', 'running', to] as const) {
      if (canMove(status, next)) seen.add(next);
    }
  }
  return from === to || seen.has(to);
}

function checkHistory({ bench, final }: Seen): void {
  expect(bench.last()).toBe(final);
  let before = subjects(bench.states[0] as RunState);
  for (const state of bench.states.slice(1)) {
    const now = subjects(state);
    for (const [key, old] of before) {
      const next = now.get(key);
      if (next === undefined) throw new Error(`${key} is gone`);
      if (isTerminal(old.status)) expect(next.value).toEqual(old.value);
      if (!reachable(old.status, next.status)) {
        throw new Error(`${key}: ${old.status} to ${next.status}`);
      }
      if (next.status !== 'success' && !(key === 'run' && next.status === 'pending')) {
        if (next.reason === undefined) throw new Error(`${key} is ${next.status} without a reason`);
      }
    }
    before = now;
  }
}

function checkEnd({ outcome, final }: Seen, stopped: string | undefined): void {
  if (outcome === 'interrupted') {
    expect(stopped).toBe('interrupt');
    return;
  }
  if (outcome === 'suspended') return checkSuspended(final);
  for (const [key, { status }] of subjects(final)) {
    if (!isTerminal(status)) throw new Error(`${key} is ${status} at the end`);
  }
  const failed = final.stages.some((stage) => ['failed', 'timeout'].includes(stage.status));
  if (final.status === 'success') {
    expect(failed).toBe(false);
    expect(final.failure).toBeUndefined();
  }
  if (final.status === 'failed') {
    expect(failed || final.checkout?.status !== 'success').toBe(true);
    expect(final.failure ?? final.reason).toBeDefined();
  }
  if (final.status === 'cancelled') expect(stopped).toBe('cancel');
}

/** It waits for something outside, and for nothing else. */
function checkSuspended(final: RunState): void {
  expect(final).toMatchObject({ status: 'waiting', reason: { code: 'suspended' } });
  expect(final.failure).toBeUndefined();
  const steps = allSteps(final);
  const begun = steps.filter(({ step: { status } }) => !isTerminal(status));
  expect(begun.filter(({ step: { status } }) => status !== 'waiting')).toEqual([]);
  expect(begun.filter(({ step: { attempts } }) => attempts.length > 0)).not.toEqual([]);
  for (const hook of [...final.onFailure, ...final.always]) expect(hook.attempts).toEqual([]);
}

/**
 * Called only at the moment of a call: what it needs must be over in the state that was published
 * before it.
 */
function checkStarts(of: Plan, { bench }: Seen, limits: { all: number }): void {
  const open = new Map<string, number>();
  const called = bench.shell.calls.map((call) => call.key);
  expect(new Set(called).size).toBe(called.length);
  expect(bench.shell.mostAtOnce).toBeLessThanOrEqual(limits.all);
  for (const state of bench.states) {
    for (const [index, stage] of state.stages.entries()) {
      const stagePlan = of.stages[index] as StagePlan;
      const running = stage.steps.filter((one) => one.status === 'running').length;
      open.set(stage.name, running);
      expect(running).toBeLessThanOrEqual(stagePlan.maxParallel);
      if (stage.steps.some((one) => one.attempts.length > 0)) {
        for (const need of stagePlan.needs) {
          const status = state.stages.find((other) => other.name === need)?.status ?? 'pending';
          expect(isTerminal(status)).toBe(true);
        }
        if (state.checkout) expect(state.checkout.status).toBe('success');
      }
      for (const [at, one] of stage.steps.entries()) {
        if (one.attempts.length === 0) continue;
        for (const need of (stagePlan.steps[at] as StepPlan).needs) {
          const status = stage.steps.find((other) => other.name === need)?.status ?? 'pending';
          expect(isTerminal(status)).toBe(true);
        }
      }
    }
    const total = [...open.values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBeLessThanOrEqual(limits.all);
  }
}

/** Names of stages that a later run keeps. */
function keptOf(of: Plan, final: RunState): ReadonlySet<string> {
  const kept = new Set<string>();
  // The stages of these plans stand behind what they need.
  for (const [index, { name, status, reason }] of final.stages.entries()) {
    const needsKept = (of.stages[index] as StagePlan).needs.every((need) => kept.has(need));
    const ownSkip = ['when_false', 'steps_skipped'].includes(reason?.code ?? '');
    if (needsKept && (status === 'success' || (status === 'skipped' && ownSkip))) kept.add(name);
  }
  return kept;
}

/**
 * What was interrupted or suspended continues: stages that passed are kept and not run again, all
 * others run whole.
 */
async function checkResume(of: Plan, run: Shape<typeof runShape>, { final }: Seen): Promise<void> {
  const events = run.events.filter((one) => one.do !== 'suspend');
  const again = await play(of, { ...run, events, stop: undefined }, final);
  expect(again.outcome).toBe('finished');
  checkHistory(again);
  checkEnd(again, undefined);
  const called = again.bench.shell.calls.map(({ attempt }) => attempt.address.stage);
  const kept = keptOf(of, final);
  for (const [index, stage] of final.stages.entries()) {
    const now = again.final.stages[index];
    if (!kept.has(stage.name)) {
      expect(now?.steps.every(({ reason }) => reason?.code !== 'kept')).toBe(true);
      continue;
    }
    expect(called).not.toContain(stage.name);
    expect(withoutReasons(now)).toEqual(withoutReasons(stage));
    expect(now?.reason?.code === 'kept').toBe(stage.status === 'success');
  }
}

function withoutReasons(stage: StageState | undefined): unknown {
  const steps = stage?.steps.map((one) => ({ ...one, reason: undefined }));
  return { ...stage, reason: undefined, steps };
}

describe('any plan, any outcome', () => {
  it('keeps every promise of the runtime', async () => {
    await fc.assert(
      fc.asyncProperty(runShape, async (run) => {
        const of = planOfShape(run.plan);
        const seen = await play(of, run);
        checkHistory(seen);
        checkEnd(seen, run.stop?.request.kind);
        checkStarts(of, seen, { all: run.maxParallelSteps });
        expect(seen.bench.shell.open.size + seen.bench.git.open.size).toBe(0);
        expect(seen.bench.clock.pending).toBe(0);
        if (seen.outcome !== 'finished') await checkResume(of, run, seen);
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});
