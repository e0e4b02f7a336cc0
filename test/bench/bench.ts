import { cpus, loadavg } from 'node:os';
import { benchOptions } from './bench-options.js';
import { headText, rowJson, rowText } from './report.js';
import { Rig } from './rig.js';
import type { Row } from './row.js';
import { burst } from './rows/burst.row.js';
import { coldStart } from './rows/cold-start.row.js';
import { container, containers } from './rows/containers.row.js';
import { log } from './rows/log.row.js';
import { oneStep } from './rows/one-step.row.js';
import { parallel } from './rows/parallel.row.js';
import { push } from './rows/push.row.js';
import { reads } from './rows/reads.row.js';
import { sequential } from './rows/sequential.row.js';
import { stored } from './rows/stored.row.js';
import { switchContainer, switchFolder, switchProgram } from './rows/switch.row.js';
import { watched } from './rows/watched.row.js';
import { END_SEEN_BY } from './subjects/millrace.subject.js';

const rows: readonly Row[] = [
  oneStep,
  sequential,
  parallel,
  log,
  burst,
  coldStart,
  push,
  container,
  containers,
  stored,
  reads,
  switchProgram,
  switchContainer,
  switchFolder,
  watched,
];

/**
 * Measures Millrace beside its baselines and prints the table. Resolves with false when a goal was
 * missed.
 */
async function bench(args: readonly string[], interrupt: AbortController): Promise<boolean> {
  const options = benchOptions(args, rows);
  const { signal } = interrupt;
  const rig = await Rig.start(say, (how) => interrupt.abort(how), signal);
  const stop = (): void => {
    say(`stopping: ${String(signal.reason)}`);
    void rig.stop().finally(() => process.exit(130));
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop);
  let allMet = true;
  const results: object[] = [];
  try {
    say(`end of a run seen by: ${END_SEEN_BY}\n`);
    if (!options.json) process.stdout.write(headText());
    for (const row of options.rows) {
      const result = await row.measure(rig, options.rounds);
      allMet &&= result.goals.every(({ met }) => met);
      if (options.json) results.push(rowJson(row.id, result));
      else process.stdout.write(`${rowText(result)}\n`);
    }
  } finally {
    if (!signal.aborted) await rig.stop();
  }
  const machine = { node: process.version, cores: cpus().length, load: loadavg() };
  const { node, cores, load } = machine;
  if (options.json)
    process.stdout.write(`${JSON.stringify({ machine, rows: results }, null, 2)}\n`);
  else {
    const loads = load.map((value) => value.toFixed(1)).join(' ');
    process.stdout.write(`Node ${node}, ${cores} cores, load average at the end ${loads}\n`);
  }
  return allMet;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupt.abort(name));
bench(process.argv.slice(2), interrupt).then(
  (allMet) => (process.exitCode = allMet ? 0 : 1),
  (error: unknown) => {
    // What fails while everything is being stopped fails for that reason.
    if (interrupt.signal.aborted) return;
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = 2;
  },
);
