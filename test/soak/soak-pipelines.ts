import type { Ledger } from '../support/ledger.js';
import type { SeededRandom } from '../support/seeded-random.js';

export interface SoakPipeline {
  readonly yaml: string;
  /** How it ends when nobody cancels it. */
  readonly expected: 'success' | 'failed';
}

/** Pipelines of 1 to 6 steps, each of which notes in the ledger that it ran. */
export function soakPipelines(count: number, random: SeededRandom, ledger: Ledger): SoakPipeline[] {
  return Array.from({ length: count }, (_item, index) => onePipeline(index, random, ledger));
}

function onePipeline(index: number, random: SeededRandom, ledger: Ledger): SoakPipeline {
  const steps = random.integer(1, 6);
  const isParallel = random.chance(0.4);
  // The last step decides, so that no step is skipped for another's failure.
  const fails = index > 0 && random.chance(0.15) ? random.pick(['exit 3', 'sleep 60']) : undefined;
  const lines = Array.from({ length: steps }, (_step, number) => {
    const isLast = number === steps - 1;
    const run = isLast && fails !== undefined ? fails : work(random);
    const needs = isParallel && number > 0 && random.chance(0.5) ? `, needs: [s${number - 1}]` : '';
    const first = isParallel && number === 0 ? ', needs: []' : '';
    const limit = isLast && fails === 'sleep 60' ? ', timeout: 1s' : '';
    const retry = run.startsWith('test')
      ? ', retry: { max: 1, backoff: { initial: 100ms } }'
      : ', retry: { max: 0 }';
    const outputs = run.includes('CI_OUTPUT') ? ', outputs: [value]' : '';
    const script = JSON.stringify(`${ledger.note}\n${run}`);
    return `  - { name: s${number}${needs || first}${limit}${retry}${outputs}, run: ${script} }`;
  });
  const hook = random.chance(0.2)
    ? `always:\n  - { name: last, run: ${JSON.stringify(`${ledger.note}\necho last`)} }\n`
    : '';
  const yaml = `name: soak-${index}\nretry_count: 10\nsteps:\n${lines.join('\n')}\n${hook}`;
  return { yaml, expected: fails === undefined ? 'success' : 'failed' };
}

function work(random: SeededRandom): string {
  return random.pick([
    'true',
    'echo line',
    `sleep 0.${random.integer(1, 4)}`,
    `seq 1 ${random.integer(10, 3_000)}`,
    'echo "value=$CI_STEP" >> "$CI_OUTPUT"',
    // Fails the first time.
    'test "${CI_ATTEMPT##*.}" = 2',
  ]);
}
