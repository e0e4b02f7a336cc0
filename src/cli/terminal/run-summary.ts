import { cleanText } from './clean-text.js';
import { failureLines, shortNote, type ShownFailure } from './failure-lines.js';
import { formatDuration, paintStatus, STATUS_WIDTH } from './status-style.js';
import type { Terminal } from './terminal.js';

/** A stage or step that is over. */
export interface SummedPart {
  readonly name: string;
  readonly status: string;
  /** Milliseconds; absent: it never ran. */
  readonly duration?: number | undefined;
  readonly note?: string;
}

/** What a run came to, here or on a server. */
export interface SummedRun {
  readonly status: string;
  /** How long it took, in words; empty: it never ran. */
  readonly took: string;
  /** Why it ended so, where no failure says it. */
  readonly note?: string;
  readonly stages: readonly (SummedPart & { readonly steps: readonly SummedPart[] })[];
  readonly failure?: ShownFailure | undefined;
}

/** Every stage and step with its status and time, then the first failure, then the result. */
export function summaryLines(run: SummedRun, terminal: Terminal): string[] {
  const { stages, failure, status, took, note = '' } = run;
  const parts = stages.flatMap(({ steps, ...stage }) => [
    partLine(stage, terminal),
    ...steps.map((step) => partLine({ ...step, name: `  ${step.name}` }, terminal)),
  ]);
  return [
    ...(parts.length === 0 ? [] : ['', ...parts]),
    ...(failure ? ['', ...failureLines(failure, terminal.colour)] : []),
    '',
    statusLine({ status, name: 'Result', end: [took, cleanText(note)] }, terminal),
  ];
}

function partLine({ name, status, duration, note = '' }: SummedPart, terminal: Terminal): string {
  const time = duration === undefined ? '' : formatDuration(duration);
  return statusLine({ status, name, end: [time, shortNote(note)] }, terminal);
}

/** One line of a run: a status, what has it, and what is to say of it. */
export function statusLine(
  line: { readonly status: string; readonly name: string; readonly end: readonly string[] },
  terminal: Terminal,
): string {
  const label = paintStatus(terminal, line.status, line.status.padEnd(STATUS_WIDTH));
  const end = line.end.filter((part) => part !== '').join('  ');
  const shown = end === '' ? '' : `  ${terminal.paint('dim', end)}`;
  return `${label} ${cleanText(line.name)}${shown}`;
}
