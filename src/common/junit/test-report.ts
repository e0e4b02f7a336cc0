import { Turns } from '../async/turns.js';
import type { TestCounts } from '../values/test-counts.js';
import {
  identityKey,
  type TestCase,
  type TestIdentity,
  type TestOutcome,
  type TestTry,
} from './test-case.js';

/** A case without what it printed. */
export interface ReportedCase extends TestIdentity {
  readonly seconds?: number;
  /** How it ended. */
  readonly outcome: TestOutcome;
  /** Of each time that it was run, in their order. */
  readonly tries: readonly TestOutcome[];
}

export interface TestFailure extends TestIdentity {
  readonly outcome: 'failed' | 'error';
  readonly message?: string;
  readonly type?: string;
  readonly text?: string;
}

/** What the reports of a step say together. */
export interface TestReport {
  readonly counts: TestCounts;
  /** Of the cases that have failed in the end, the first 100. */
  readonly failures: readonly TestFailure[];
  /** How many more there are. */
  readonly unlistedFailures: number;
  /** The ten that took longest, the slowest first. */
  readonly slowest: readonly ReportedCase[];
  readonly cases: readonly ReportedCase[];
}

const MAX_FAILURES = 100;
const MAX_SLOWEST = 10;

/** Cases between two looks at the clock. */
const PART = 500;

/**
 * Sums up cases, of one file or of several in their order. Cases of the same identity are one that
 * was run again: the last one counts. Other work has its turn meanwhile.
 */
export async function testReport(cases: readonly TestCase[]): Promise<TestReport> {
  const turns = new Turns();
  const merged = new Map<string, { last: TestCase; readonly tries: TestTry[] }>();
  for (const [index, one] of cases.entries()) {
    if (index % PART === 0 && turns.isOver()) await turns.pass();
    const key = identityKey(one);
    const known = merged.get(key);
    if (known) {
      known.last = one;
      known.tries.push(...one.tries);
    } else {
      merged.set(key, { last: one, tries: [...one.tries] });
    }
  }
  const sum = new ReportSum();
  for (const { last, tries } of merged.values()) {
    if (sum.cases.length % PART === 0 && turns.isOver()) await turns.pass();
    sum.add({ ...last, tries });
  }
  return sum.report();
}

class ReportSum {
  readonly cases: ReportedCase[] = [];
  private readonly failures: TestFailure[] = [];
  private readonly slowest: ReportedCase[] = [];
  private readonly outcomes: Record<TestOutcome, number> = {
    passed: 0,
    failed: 0,
    error: 0,
    skipped: 0,
  };
  private flaky = 0;

  add(one: TestCase): void {
    const reported = reportedCase(one);
    this.cases.push(reported);
    this.outcomes[reported.outcome] += 1;
    if (isFlaky(reported)) this.flaky += 1;
    if (isFailed(reported.outcome) && this.failures.length < MAX_FAILURES) {
      this.failures.push(failureOf(one, reported.outcome));
    }
    this.addTime(reported);
  }

  report(): TestReport {
    const { cases, failures, slowest, flaky, outcomes } = this;
    const unlistedFailures = outcomes.failed + outcomes.error - failures.length;
    const counts = { total: cases.length, ...outcomes, flaky };
    return { counts, failures, unlistedFailures, slowest, cases };
  }

  private addTime(one: ReportedCase): void {
    const { seconds } = one;
    if (seconds === undefined) return;
    const at = this.slowest.findIndex((other) => (other.seconds ?? 0) < seconds);
    if (at < 0) this.slowest.push(one);
    else this.slowest.splice(at, 0, one);
    this.slowest.splice(MAX_SLOWEST);
  }
}

function isFlaky({ tries }: ReportedCase): boolean {
  return tries.includes('passed') && tries.some(isFailed);
}

function identityOf({ suite, className, name, file }: TestCase): TestIdentity {
  return { suite, className, name, ...(file !== undefined && { file }) };
}

function reportedCase(one: TestCase): ReportedCase {
  const { seconds, tries } = one;
  return {
    ...identityOf(one),
    ...(seconds !== undefined && { seconds }),
    outcome: tries.at(-1)?.outcome ?? 'passed',
    tries: tries.map(({ outcome }) => outcome),
  };
}

function failureOf(one: TestCase, outcome: 'failed' | 'error'): TestFailure {
  // Of several times that it failed the last one need not have said why.
  const told = one.tries.findLast((tried) => tried.text !== undefined && isFailed(tried.outcome));
  const { message, type, text } = told ?? one.tries.at(-1) ?? {};
  return {
    ...identityOf(one),
    outcome,
    ...(message !== undefined && { message }),
    ...(type !== undefined && { type }),
    ...(text !== undefined && { text }),
  };
}

function isFailed(outcome: TestOutcome): outcome is 'failed' | 'error' {
  return outcome === 'failed' || outcome === 'error';
}
