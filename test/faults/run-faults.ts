import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../src/config/paths.js';
import type { FaultRecord } from './support/expect-invariants.js';

const USAGE =
  'usage: npm run faults -- [--times N] [--only NAME]... [--seed N] [--workers N] [--json FILE]';

interface Options {
  readonly times: number;
  /** Parts of file or test names; none = all faults. */
  readonly only: readonly string[];
  /** Round n has the seed `seed + n`. */
  readonly seed: number;
  /** Spec files at once. */
  readonly workers: number;
  readonly json: string | undefined;
}

/** What became of one fault over all rounds. */
interface Row {
  readonly fault: string;
  runs: number;
  failed: number;
  lost: number;
  doubled: number;
  breaches: number;
  slowestRecoveryMs: number;
  readonly failedSeeds: number[];
  firstFailure?: string;
}

/** The parts of Jest's `--json` that are read. */
interface JestResult {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/**
 * Runs the fault specs again and again, each round with another seed, and adds up what they found.
 */
async function runFaults(options: Options, interrupt: AbortSignal): Promise<boolean> {
  const rows = new Map<string, Row>();
  const folder = mkdtempSync(join(tmpdir(), 'millrace-faults-run-'));
  const begun = performance.now();
  let rounds = 0;
  try {
    for (let round = 1; round <= options.times && !interrupt.aborted; round++) {
      const seed = options.seed + round;
      say(`round ${round} of ${options.times}, seed ${seed}, load ${loadavg()[0]?.toFixed(1)}`);
      await runRound(options, seed, folder, rows, interrupt);
      rounds = round;
      const failed = [...rows.values()].filter(isBad);
      say(
        `  ${seconds(performance.now() - begun)} s, faults ${rows.size}, bad so far ${failed.length}`,
      );
      if (options.json !== undefined) writeSummary(options, rounds, rows);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  print(rows);
  const bad = [...rows.values()].filter(isBad);
  for (const { fault, failedSeeds, firstFailure } of bad) {
    process.stdout.write(`\n${fault}\n  seeds ${failedSeeds.join(', ')}\n${firstFailure ?? ''}\n`);
  }
  return rows.size > 0 && bad.length === 0 && rounds === options.times;
}

async function runRound(
  options: Options,
  seed: number,
  folder: string,
  rows: Map<string, Row>,
  interrupt: AbortSignal,
): Promise<void> {
  const output = join(folder, 'jest.json');
  const report = join(folder, 'report');
  for (const file of [output, report]) rmSync(file, { force: true });
  await jest(options, { seed, output, report }, interrupt);
  if (interrupt.aborted) return;
  if (!existsSync(output)) throw new Error('Jest left no result');
  const result = JSON.parse(readFileSync(output, 'utf8')) as JestResult;
  for (const file of result.testResults) {
    if (file.assertionResults.length === 0) {
      const row = rowOf(rows, file.name);
      row.runs += 1;
      fail(row, seed, file.message);
    }
    for (const test of file.assertionResults) {
      if (test.status === 'pending') continue;
      const row = rowOf(rows, test.fullName);
      row.runs += 1;
      if (test.status !== 'passed') fail(row, seed, test.failureMessages.join('\n'));
    }
  }
  const records = existsSync(report) ? readFileSync(report, 'utf8').trim() : '';
  for (const line of records === '' ? [] : records.split('\n')) {
    const record = JSON.parse(line) as FaultRecord;
    const row = rowOf(rows, record.fault);
    row.lost += record.lost;
    row.doubled += record.doubled;
    row.breaches += record.breaches;
    row.slowestRecoveryMs = Math.max(row.slowestRecoveryMs, record.recoveryMs);
  }
}

async function jest(
  { only, workers }: Options,
  round: { readonly seed: number; readonly output: string; readonly report: string },
  interrupt: AbortSignal,
): Promise<void> {
  const root = packageRoot();
  const files = only.filter((name) => existsSync(join(root, `test/faults/${name}.fault.spec.ts`)));
  const names = only.filter((name) => !files.includes(name));
  const paths = files.length > 0 ? `test/faults/(${files.join('|')})\\.fault` : 'test/faults/';
  const args = [
    join(root, 'node_modules/jest/bin/jest.js'),
    ...['--selectProjects=e2e', '--silent', `--maxWorkers=${workers}`],
    ...['--json', `--outputFile=${round.output}`, `--testPathPatterns=${paths}`],
    ...(names.length > 0 ? [`--testNamePattern=${names.map(quoted).join('|')}`] : []),
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, FAULT_SEED: String(round.seed), FAULT_REPORT: round.report },
    // Its JSON comes on standard output too.
    stdio: ['ignore', 'ignore', 'ignore'],
    signal: interrupt,
    killSignal: 'SIGTERM',
  });
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => (interrupt.aborted ? resolve() : reject(error)));
  });
}

function quoted(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function rowOf(rows: Map<string, Row>, fault: string): Row {
  const zero = { runs: 0, failed: 0, lost: 0, doubled: 0, breaches: 0, slowestRecoveryMs: 0 };
  const row = rows.get(fault) ?? { fault, ...zero, failedSeeds: [] };
  rows.set(fault, row);
  return row;
}

function fail(row: Row, seed: number, why: string): void {
  row.failed += 1;
  row.failedSeeds.push(seed);
  row.firstFailure ??= why;
}

function isBad({ failed, lost, doubled, breaches }: Row): boolean {
  return failed + lost + doubled + breaches > 0;
}

function print(rows: ReadonlyMap<string, Row>): void {
  const all = [...rows.values()];
  const width = Math.max(5, ...all.map(({ fault }) => fault.length));
  const line = (cells: readonly (string | number)[]): string => {
    const [fault = '', ...numbers] = cells.map(String);
    return `${fault.padEnd(width)} ${numbers.map((each) => each.padStart(9)).join('')}\n`;
  };
  process.stdout.write(line(['fault', 'runs', 'failed', 'lost', 'doubled', 'slowest']));
  for (const { fault, runs, failed, lost, doubled, slowestRecoveryMs } of all) {
    process.stdout.write(
      line([fault, runs, failed, lost, doubled, `${seconds(slowestRecoveryMs)} s`]),
    );
  }
}

function writeSummary(options: Options, rounds: number, rows: ReadonlyMap<string, Row>): void {
  const { seed, times, json = '' } = options;
  const machine = { node: process.version, cores: cpus().length, load: loadavg() };
  const summary = { seed, times, rounds, machine, faults: [...rows.values()] };
  writeFileSync(json, `${JSON.stringify(summary, null, 2)}\n`);
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** @throws Error with the usage */
function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      times: { type: 'string', default: '1' },
      only: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '0' },
      workers: { type: 'string', default: '3' },
      json: { type: 'string' },
    },
  });
  const [times, seed, workers] = [values.times, values.seed, values.workers].map(Number);
  const counts = [times, workers].every((count) => Number.isInteger(count) && Number(count) >= 1);
  if (!counts || !Number.isInteger(seed)) throw new Error(USAGE);
  return {
    times: times ?? 1,
    seed: seed ?? 0,
    workers: workers ?? 1,
    only: values.only,
    json: values.json,
  };
}

const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupt.abort());
Promise.resolve()
  .then(() => runFaults(optionsOf(process.argv.slice(2)), interrupt.signal))
  .then(
    (clean) => (process.exitCode = clean ? 0 : 1),
    (error: unknown) => {
      say(error instanceof Error ? error.message : String(error));
      process.exitCode = 2;
    },
  );
