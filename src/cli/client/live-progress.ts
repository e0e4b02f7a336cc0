import type { Execution, LiveExecution, LiveStep, Stage } from '../api/wire-readers.js';
import { cleanText } from '../terminal/clean-text.js';
import { paintStatus, STATUS_WIDTH } from '../terminal/status-style.js';
import { shortNote } from '../terminal/failure-lines.js';
import { summaryLines } from '../terminal/run-summary.js';
import type { Terminal } from '../terminal/terminal.js';
import { failedTestsLines, tookText } from './execution-view.js';

/** Shows beside the log when a step begins and ends, and what the execution waits for. */
export class LiveProgress {
  private readonly printed = new Map<string, string>();

  constructor(private readonly terminal: Terminal) {}

  show(execution: LiveExecution): void {
    if (execution.status === 'pending' || execution.status === 'waiting') {
      const why = execution.waits_for ?? execution.reason;
      this.print('', execution.status, why?.message ?? '');
    }
    if (execution.checkout) this.step('checkout', execution.checkout);
    for (const stage of execution.stages) {
      for (const step of stage.steps) this.step(`${stage.name}/${step.name}`, step);
    }
    for (const step of execution.on_failure) this.step(`on_failure/${step.name}`, step);
    for (const step of execution.always) this.step(`always/${step.name}`, step);
  }

  /** What it came to, as `run` shows it, and how to ask which tests failed. */
  sum(execution: Execution, commandLine: (command: string) => string): void {
    const { status, failure, reason, duration, stages } = execution;
    const isTold = failure !== null || status === 'success';
    const summed = {
      status,
      took: duration === null ? '' : tookText(execution),
      note: isTold ? '' : (reason?.message ?? ''),
      stages: stages.map(({ steps, ...stage }) => ({
        ...partOf(stage),
        note: '',
        steps: steps.map(partOf),
      })),
      ...(failure && {
        failure: { ...failure, message: failure.reason.message, lastLines: failure.last_lines },
      }),
      next: failedTestsLines(execution, commandLine),
    };
    for (const line of summaryLines(summed, this.terminal)) this.terminal.say(line);
  }

  private step(name: string, { status, reason }: LiveStep): void {
    if (status === 'pending' || status === 'waiting' || status === 'skipped') return;
    this.print(
      name,
      status,
      status === 'success' || status === 'running' ? '' : (reason?.message ?? ''),
    );
  }

  private print(name: string, status: string, note: string): void {
    const news = `${status} ${note}`;
    if (this.printed.get(name) === news) return;
    this.printed.set(name, news);
    const label = paintStatus(this.terminal, status, status.padEnd(STATUS_WIDTH));
    // What an execution waits for is told nowhere else.
    const shown = name === '' ? cleanText(note) : shortNote(note);
    const end = note === '' ? '' : this.terminal.paint('dim', shown);
    this.terminal.say([label, cleanText(name), end].filter((part) => part !== '').join(' '));
  }
}

function partOf(
  part: Pick<Stage, 'name' | 'status' | 'duration' | 'reason'> & { flaky?: boolean },
): {
  name: string;
  status: string;
  duration: number | undefined;
  note: string;
} {
  const { name, status, duration, reason, flaky = false } = part;
  const note = flaky ? 'passed after a retry' : status === 'success' ? '' : reason?.message;
  return { name, status, duration: duration ?? undefined, note: note ?? '' };
}
