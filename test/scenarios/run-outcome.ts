import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WhenTrace } from '../../src/engine/plan/run-state.js';
import type { StoredReason, StoredRun, StoredStep } from '../../src/executions/record/stored-state.js';
import type { LogLine } from '../../src/logs/store/log-record.js';
import type {
  Expectation,
  ExpectedFailure,
  ExpectedLog,
  ExpectedStage,
  ExpectedStep,
  ExpectedWhen,
} from './run-scenario.js';

/** What came of a scenario, in the words of the API, whichever way it was run. */
export interface Outcome {
  readonly run: Omit<StoredRun, 'commit'> & {
    readonly commit: StoredRun['commit'];
    readonly status: string;
    readonly reason: StoredReason | null;
    readonly duration: number | null;
  };
  readonly traces: readonly {
    readonly stage: string;
    readonly step: string | null;
    readonly trace: WhenTrace;
  }[];
  readonly lines: readonly LogLine[];
}

const REASONS_PAGE = readFileSync(join(__dirname, '../../docs/reasons.md'), 'utf8');
const TERMINAL = ['success', 'failed', 'cancelled', 'timeout', 'skipped'];

/**
 * Compares what came of a scenario with what is expected of it, in one comparison so that a failure
 * shows all differences.
 */
export function checkOutcome(expected: Expectation, outcome: Outcome): void {
  const { run, lines } = outcome;
  try {
    expect(shown(expected, outcome)).toEqual(wanted(expected));
  } catch (error) {
    throw withReasons(error, outcome);
  }
  for (const [address, log] of Object.entries(expected.log ?? {})) {
    if ('length' in log) continue;
    checkParts(address, log, lines);
  }
  checkOrder(expected.log_order ?? [], lines);
  const everything = JSON.stringify(outcome);
  for (const text of expected.absent ?? []) expect(everything).not.toContain(text);
  checkDuration(expected, run.duration);
  checkRules(outcome);
}

/**
 * What the run says of itself, below the differences: an end that comes once in a thousand runs is
 * explained by its first report.
 */
function withReasons(error: unknown, { run, lines }: Outcome): unknown {
  if (!(error instanceof Error)) return error;
  const said = { status: run.status, reason: run.reason, failure: run.failure };
  const log = lines.slice(-20).map(({ stage, step, text }) => `${stage}/${step} ${text}`);
  error.message += `\n\n${JSON.stringify(said, undefined, 2)}\n${log.join('\n')}`;
  return error;
}

type Shown = Readonly<Record<string, unknown>>;

function wanted(expected: Expectation): Shown {
  const { status, reason, checkout = null, stages, failure, commit, log = {} } = expected;
  return {
    status,
    ...(reason !== undefined && { reason }),
    checkout,
    stages,
    on_failure: expected.on_failure ?? {},
    always: expected.always ?? {},
    ...(failure !== undefined && { failure }),
    ...(commit !== undefined && { commit }),
    log: Object.fromEntries(
      Object.entries(log).map(([key, value]) => [key, 'length' in value ? value : exactOf(value)]),
    ),
  };
}

function exactOf(log: Exclude<ExpectedLog, readonly string[]>): Shown {
  const { stdout, stderr, lines, bytes } = log;
  return pick({ stdout, stderr, lines, bytes }, log);
}

/** Of the outcome, what the expectation speaks of, in the expectation's form. */
function shown(expected: Expectation, outcome: Outcome): Shown {
  const { run } = outcome;
  const hooks = (list: 'on_failure' | 'always'): Shown =>
    Object.fromEntries(
      run[list].map((step) => [
        step.name,
        shownStep(expected[list]?.[step.name], step, whenOf(outcome, list, step.name)),
      ]),
    );
  return {
    status: run.status,
    ...(expected.reason !== undefined && { reason: run.reason?.code }),
    checkout: run.checkout && shownStep(expected.checkout, run.checkout, undefined),
    stages: Object.fromEntries(
      run.stages.map((stage) => [
        stage.name,
        shownStage(expected.stages?.[stage.name], stage, outcome),
      ]),
    ),
    on_failure: hooks('on_failure'),
    always: hooks('always'),
    ...(expected.failure !== undefined && { failure: shownFailure(expected.failure, run.failure) }),
    ...(expected.commit !== undefined && {
      commit: run.commit && pick({ ...run.commit }, expected.commit),
    }),
    log: Object.fromEntries(
      Object.entries(expected.log ?? {}).map(([address, log]) => [
        address,
        shownLog(log, linesOf(outcome.lines, address)),
      ]),
    ),
  };
}

function shownStage(
  expected: ExpectedStage | undefined,
  stage: StoredRun['stages'][number],
  outcome: Outcome,
): Shown {
  const steps = Object.fromEntries(
    stage.steps.map((step) => [
      step.name,
      shownStep(expected?.steps[step.name], step, whenOf(outcome, stage.name, step.name)),
    ]),
  );
  const facts = {
    status: stage.status,
    reason: stage.reason?.code,
    when: shownWhen(expected?.when, whenOf(outcome, stage.name, null)),
  };
  return { ...pick(facts, expected ?? {}), steps };
}

function shownStep(
  expected: ExpectedStep | undefined,
  step: StoredStep,
  trace: WhenTrace | undefined,
): unknown {
  if (expected === undefined || typeof expected === 'string') return step.status;
  const message = step.reason?.message ?? '';
  const facts = {
    status: step.status,
    reason: step.reason?.code,
    message: message.includes(expected.message ?? '') ? expected.message : message,
    exit_code: step.exit_code,
    signal: step.attempts.at(-1)?.signal,
    flaky: step.flaky,
    continued_on_error: step.continued_on_error,
    outputs: step.outputs,
    attempts: step.attempts.map(({ status }) => status),
    attempt_reasons: step.attempts.map(({ reason }) => reason?.code ?? null),
    attempt_exit_codes: step.attempts.map(({ exit_code }) => exit_code),
    when: shownWhen(expected.when, trace),
  };
  return pick(facts, expected);
}

function shownWhen(expected: ExpectedWhen | undefined, trace: WhenTrace | undefined): unknown {
  if (trace === undefined) return null;
  const parts = Object.fromEntries(trace.parts.map(({ text, value }) => [text, value]));
  return pick({ result: trace.result, parts: pick(parts, expected?.parts ?? {}) }, expected ?? {});
}

function shownFailure(expected: ExpectedFailure, failure: StoredRun['failure']): unknown {
  return failure && pick({ ...failure, reason: failure.reason.code }, expected);
}

function shownLog(expected: ExpectedLog, lines: readonly LogLine[]): unknown {
  const printed = lines.filter(({ stream }) => stream !== 'system').map(({ text }) => text);
  if ('length' in expected) return printed;
  const facts = {
    stdout: lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text),
    stderr: lines.filter(({ stream }) => stream === 'stderr').map(({ text }) => text),
    lines: printed.length,
    bytes: printed.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
  };
  return pick(facts, expected);
}

function checkParts(
  address: string,
  log: Exclude<ExpectedLog, readonly string[]>,
  all: readonly LogLine[],
): void {
  const lines = linesOf(all, address);
  const text = (own: boolean): string =>
    lines
      .filter(({ stream }) => (stream === 'system') === own)
      .map((line) => line.text)
      .join('\n');
  for (const part of log.contains ?? []) expect(text(false)).toContain(part);
  for (const part of log.lacks ?? []) expect(text(false)).not.toContain(part);
  for (const part of log.system ?? []) expect(text(true)).toContain(part);
}

function checkOrder(parts: readonly string[], lines: readonly LogLine[]): void {
  const found = parts.map((part) => [part, lines.findIndex(({ text }) => text.includes(part))]);
  const inOrder = [...found].sort(([, a], [, b]) => Number(a) - Number(b));
  expect(found.filter(([, at]) => at === -1)).toEqual([]);
  expect(found).toEqual(inOrder);
}

function checkDuration({ duration }: Expectation, actual: number | null): void {
  if (duration?.min !== undefined) expect(actual).toBeGreaterThanOrEqual(duration.min);
  if (duration?.max !== undefined) expect(actual).toBeLessThanOrEqual(duration.max);
}

/** What holds for every run that is over. */
function checkRules({ run, lines }: Outcome): void {
  const hooks = [...run.on_failure, ...run.always, ...(run.checkout ? [run.checkout] : [])];
  const steps = [...run.stages.flatMap((stage) => stage.steps), ...hooks];
  for (const { name, status, reason } of [...run.stages, ...steps]) {
    expect([name, TERMINAL.includes(status)]).toEqual([name, true]);
    expect([name, reason?.code, isDocumented(reason)]).toEqual([name, reason?.code, true]);
    expect([name, reason?.message.trim()]).not.toEqual([name, '']);
  }
  for (const { name, status, attempts, flaky } of steps) {
    expect([name, attempts.map(({ number }) => number)]).toEqual([
      name,
      attempts.map((_, i) => i + 1),
    ]);
    expect([name, flaky]).toEqual([name, status === 'success' && attempts.length > 1]);
    if (status === 'skipped') expect([name, attempts.length]).toEqual([name, 0]);
  }
  if (run.status === 'success') expect([run.reason?.code, run.failure]).toEqual(['started', null]);
  else expect([run.reason?.code, isDocumented(run.reason)]).toEqual([run.reason?.code, true]);
  for (const [index, line] of lines.entries()) expect(line.seq).toBe(index + 1);
}

/** `git_…` stands as a row of its own, with its endings. */
function isDocumented(reason: StoredReason | null): boolean {
  const code = reason?.code ?? '';
  if (REASONS_PAGE.includes(`| \`${code}\``)) return true;
  return code.startsWith('git_') && REASONS_PAGE.includes(`\`${code.slice('git_'.length)}\``);
}

function linesOf(lines: readonly LogLine[], address: string): LogLine[] {
  return lines.filter(({ stage, step }) => `${stage}/${step}` === address);
}

function whenOf(outcome: Outcome, stage: string, step: string | null): WhenTrace | undefined {
  return outcome.traces.find((one) => one.stage === stage && one.step === step)?.trace;
}

/** The entries of `facts` whose keys `like` has. */
function pick(facts: Shown, like: object): Shown {
  const keys = Object.keys(like).filter((key) => key in facts);
  return Object.fromEntries(keys.map((key) => [key, facts[key]]));
}
