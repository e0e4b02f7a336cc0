import { parseArgs } from 'node:util';
import type { Row } from './row.js';

export interface BenchOptions {
  readonly rows: readonly Row[];
  /** Repetitions of each row and subject; short rows repeat more often. */
  readonly rounds: number;
  readonly json: boolean;
}

/** @throws Error with the usage */
export function benchOptions(args: readonly string[], rows: readonly Row[]): BenchOptions {
  const ids = rows.map(({ id }) => id);
  const usage = `usage: npm run bench -- [--only ${ids.join('|')}]... [--runs N] [--json]`;
  const options = {
    only: { type: 'string', multiple: true },
    runs: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  const only = values.only ?? ids;
  const rounds = Number(values.runs);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--runs needs a count; ${usage}`);
  const unknown = only.filter((id) => !ids.includes(id));
  if (unknown.length > 0) throw new Error(`no row ${unknown.join(', ')}; ${usage}`);
  return { rows: rows.filter(({ id }) => only.includes(id)), rounds, json: values.json };
}
