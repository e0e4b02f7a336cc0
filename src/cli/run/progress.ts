import type { RunState, RunStatus, StepState } from '../../engine/plan/run-state.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import { shortNote } from '../terminal/failure-lines.js';
import { statusLine, summaryLines } from '../terminal/run-summary.js';
import { formatDuration } from '../terminal/status-style.js';
import type { Terminal } from '../terminal/terminal.js';

/** Shows on the terminal when a step begins and ends, and sums the run up. */
export class Progress {
  private readonly shown = new Map<string, RunStatus>();

  constructor(private readonly terminal: Terminal) {}

  show(state: RunState): void {
    if (state.checkout) this.step('checkout', state.checkout);
    for (const stage of state.stages) {
      for (const step of stage.steps) this.step(`${stage.name}/${step.name}`, step);
    }
    for (const step of state.onFailure) this.step(`on_failure/${step.name}`, step);
    for (const step of state.always) this.step(`always/${step.name}`, step);
  }

  /** Every stage and step with its status and time, the first failure, and the result. */
  sum(state: RunState): void {
    const { failure } = state;
    const duration = durationOf(state);
    const summed = {
      status: state.status,
      took: duration === undefined ? '' : formatDuration(duration),
      stages: state.stages.map(({ name, steps, ...stage }) => ({
        name,
        status: stage.status,
        duration: durationOf(stage),
        steps: steps.map((step) => ({
          name: step.name,
          status: step.status,
          duration: durationOf(step),
          note: why(step),
        })),
      })),
      ...(failure && { failure: { ...failure, message: failure.reason.message } }),
    };
    for (const line of summaryLines(summed, this.terminal)) this.terminal.say(line);
  }

  private step(name: string, step: StepState): void {
    const before = this.shown.get(name);
    if (before === step.status) return;
    this.shown.set(name, step.status);
    if (step.status === 'running' && before !== 'waiting') this.line(name, 'running', '', '');
    if (isTerminal(step.status) && step.status !== 'skipped') {
      this.line(name, step.status, took(step), why(step));
    }
  }

  private line(name: string, status: RunStatus, time: string, text: string): void {
    this.terminal.say(statusLine({ status, name, end: [time, shortNote(text)] }, this.terminal));
  }
}

function why(step: StepState): string {
  if (step.flaky) return 'passed after a retry';
  if (step.status === 'success') return '';
  return step.reason?.message ?? '';
}

function took(times: Times): string {
  const duration = durationOf(times);
  return duration === undefined ? '' : formatDuration(duration);
}

/** Points in time, milliseconds. */
interface Times {
  readonly startedAt?: number;
  readonly finishedAt?: number;
}

function durationOf({ startedAt, finishedAt }: Times): number | undefined {
  return startedAt === undefined || finishedAt === undefined ? undefined : finishedAt - startedAt;
}
