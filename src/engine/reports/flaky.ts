/** Where a step ran: what fails here and passes there has nothing to do with each other. */
export interface FlakyPlace {
  readonly pipeline: string;
  readonly stage: string;
  readonly step: string;
  /** Of a matrix; absent: it has none. */
  readonly cell?: string;
}

export interface FlakyIdentity {
  readonly suite: string;
  readonly className: string;
  readonly name: string;
  readonly file?: string;
}

/** What one report says: all cases of one attempt of a step. */
export interface StepOutcomes extends FlakyPlace {
  /** Full hash; absent: what ran is the same as in other tries of the execution, and no more. */
  readonly commit?: string;
  /** Also of a re-run: it has an id of its own, and the same commit. */
  readonly execution: string;
  /** `2.1`: of the execution and of the step. */
  readonly attempt: string;
  /** It ran what a pull request of another repository holds. */
  readonly isFork: boolean;
  readonly at: Date;
  readonly cases: readonly CaseOutcomes[];
}

export interface CaseOutcomes extends FlakyIdentity {
  /** Of each time that it was run within that attempt, in their order. */
  readonly tries: readonly ('passed' | 'failed' | 'error' | 'skipped')[];
}

export interface FlakyCase extends FlakyPlace, FlakyIdentity {
  /** Times that it was run and failed, at the commits at which it has also passed. */
  readonly failed: number;
  /** Times that it was run and passed, at the same commits. */
  readonly passed: number;
  /** At how many commits it has done both. */
  readonly commits: number;
  readonly lastSeen: {
    /** Absent: none is known. */
    readonly commit?: string;
    readonly execution: string;
    readonly attempt: string;
    readonly at: Date;
  };
}

interface Tally {
  readonly place: FlakyPlace;
  readonly identity: FlakyIdentity;
  readonly byCommit: Map<string, CommitTally>;
}

interface CommitTally {
  failed: number;
  passed: number;
  last: FlakyCase['lastSeen'];
}

/**
 * The cases that have failed and passed at the same commit, in the same cell of the same step: in
 * attempts of the step, in retries within one report, or in re-runs of the execution. A case that
 * is broken at one commit and mended at another is none of them, and what forks run does not count:
 * a stranger would decide what is flaky here. An `error` counts as failed, a skip as neither.
 *
 * Outcomes are taken one after another, in any order. Sorted by how often they failed, then by when
 * they were last seen, the latest first.
 */
export async function flakyCases(
  outcomes: AsyncIterable<StepOutcomes> | Iterable<StepOutcomes>,
): Promise<readonly FlakyCase[]> {
  const tallies = new Map<string, Tally>();
  for await (const outcome of outcomes) {
    if (outcome.isFork) continue;
    for (const one of outcome.cases) count(tallies, outcome, one);
  }
  return [...tallies.values()].flatMap(flakyCase).sort(byWeight);
}

function count(tallies: Map<string, Tally>, outcome: StepOutcomes, one: CaseOutcomes): void {
  const passed = one.tries.filter((tried) => tried === 'passed').length;
  const failed = one.tries.filter((tried) => tried === 'failed' || tried === 'error').length;
  if (passed + failed === 0) return;
  const { pipeline, stage, step, cell, commit, execution, attempt, at } = outcome;
  const same = commit ?? `execution ${execution}`;
  const { suite, className, name, file } = one;
  const key = JSON.stringify([pipeline, stage, step, cell, suite, className, name, file]);
  const tally = tallies.get(key) ?? {
    place: { pipeline, stage, step, ...(cell !== undefined && { cell }) },
    identity: { suite, className, name, ...(file !== undefined && { file }) },
    byCommit: new Map<string, CommitTally>(),
  };
  tallies.set(key, tally);
  const seen = { ...(commit !== undefined && { commit }), execution, attempt, at };
  const known = tally.byCommit.get(same);
  if (!known) {
    tally.byCommit.set(same, { failed, passed, last: seen });
    return;
  }
  known.failed += failed;
  known.passed += passed;
  if (at > known.last.at) known.last = seen;
}

function flakyCase({ place, identity, byCommit }: Tally): readonly FlakyCase[] {
  const both = [...byCommit.values()].filter(({ failed, passed }) => failed > 0 && passed > 0);
  const [first, ...others] = both;
  if (first === undefined) return [];
  const last = others.reduce((latest, one) => (one.last.at > latest.last.at ? one : latest), first);
  return [
    {
      ...place,
      ...identity,
      failed: both.reduce((sum, { failed }) => sum + failed, 0),
      passed: both.reduce((sum, { passed }) => sum + passed, 0),
      commits: both.length,
      lastSeen: last.last,
    },
  ];
}

function byWeight(a: FlakyCase, b: FlakyCase): number {
  return b.failed - a.failed || b.lastSeen.at.getTime() - a.lastSeen.at.getTime();
}
