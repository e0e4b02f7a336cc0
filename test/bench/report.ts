import { median } from './rounds.js';
import { type RowResult, shown } from './row.js';
import type { SubjectName } from './subject.js';

const COLUMNS: readonly SubjectName[] = ['sh', 'floor', 'millrace'];

/** A row as lines for people: the medians with their ratio to `sh`, and the goals below. */
export function rowText({ work, times, goals }: RowResult): string {
  const cells = COLUMNS.map((name) => cell(name, times).padEnd(22)).join('');
  const marks = goals.map(
    ({ what, wanted, measured, met }) =>
      `    ${met ? 'met   ' : 'MISSED'}  ${what}: ${measured} (goal ${wanted})`,
  );
  return [work, `  ${cells}`.trimEnd(), ...marks, ''].join('\n');
}

export function headText(): string {
  return `  ${COLUMNS.map((name) => name.padEnd(22)).join('')}\n`;
}

function cell(name: SubjectName, times: RowResult['times']): string {
  const own = times[name];
  if (own === undefined) return '-';
  const ms = `${shown(median(own))} ms`;
  return times.sh === undefined ? ms : `${ms} (x ${shown(median(own) / median(times.sh))})`;
}

/** A row for programs. */
export function rowJson(id: string, { work, times, goals }: RowResult): object {
  const medians = Object.entries(times).map(([name, values]) => [name, median(values)] as const);
  return { id, work, medians_ms: Object.fromEntries(medians), times_ms: times, goals };
}
