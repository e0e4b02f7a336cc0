import { cleanText } from './clean-text.js';
import { failureLines, shortNote, type ShownFailure } from './failure-lines.js';
import { formatDuration, paintStatus, STATUS_WIDTH } from './status-style.js';
import type { Terminal } from './terminal.js';
import { toldOnce } from './told-once.js';

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
  /** What to ask next, line by line. */
  readonly next?: readonly string[];
}

/** Every stage and step with its status and time, then the first failure, then the result. */
export function summaryLines(run: SummedRun, terminal: Terminal): string[] {
  const { stages, failure, status, took, note = '', next = [] } = run;
  const below = failure?.message ?? note;
  const parts = stages.flatMap(({ steps, ...stage }) => [
    partLine(stage, below, terminal),
    ...steps.map((step) => partLine({ ...step, name: `  ${step.name}` }, below, terminal)),
  ]);
  return [
    ...(parts.length === 0 ? [] : ['', ...parts]),
    ...(failure ? ['', ...failureLines(failure, terminal.colour)] : []),
    ...(next.length === 0 ? [] : ['', ...next]),
    '',
    statusLine({ status, name: 'Result', end: [took, cleanText(note)] }, terminal),
  ];
}

/** `below` is the reason of the whole, which is told behind the parts. */
function partLine(
  { name, status, duration, note = '' }: SummedPart,
  below: string,
  terminal: Terminal,
): string {
  const time = duration === undefined ? '' : formatDuration(duration);
  const shown = shortNote(toldOnce(note, below, 'as below'));
  return statusLine({ status, name, end: [time, shown] }, terminal);
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
