import { parseArgs } from 'node:util';
import { runSoak } from './run-soak.js';

const USAGE = 'usage: npm run soak -- [--runs N] [--seed N] [--minutes M] [--fault-seconds S]';

async function soak(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '1000' },
      seed: { type: 'string', default: String(Date.now() % 100_000) },
      minutes: { type: 'string', default: '60' },
      'fault-seconds': { type: 'string', default: '8' },
    },
  });
  const [runs, seed, minutes, every] = [
    values.runs,
    values.seed,
    values.minutes,
    values['fault-seconds'],
  ].map(Number) as [number, number, number, number];
  if (![runs, minutes, every].every((value) => value > 0) || !Number.isInteger(seed)) {
    throw new Error(USAGE);
  }
  say(`soak: ${runs} runs, seed ${seed}, a fault in ${every} s on average`);
  const report = await runSoak({
    runs,
    seed,
    faultEveryMs: every * 1_000,
    mostMs: minutes * 60_000,
    say,
  });
  const { lost, doubled, breaches, unexpected } = report;
  const isClean = [lost, doubled, breaches, unexpected].every((list) => list.length === 0);
  // What it takes to see it again: the seed, and when which fault was dealt.
  const shown = isClean ? { ...report, timeline: report.timeline.length } : report;
  process.stdout.write(`${JSON.stringify({ seed, ...shown }, null, 2)}\n`);
  say(
    `${report.runs} runs in ${report.seconds.toFixed(0)} s: ${lost.length} lost, ${doubled.length} doubled, ${breaches.length} breaches, ${unexpected.length} unexpected`,
  );
  return isClean;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

soak(process.argv.slice(2)).then(
  (isClean) => process.exit(isClean ? 0 : 1),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exit(2);
  },
);
