import type { RunState, RunStatus, StepState } from '../../engine/plan/run-state.js';
import { isTerminal } from '../../engine/plan/run-status.js';
import { cleanText } from '../terminal/clean-text.js';
import { failureLines, shortNote } from '../terminal/failure-lines.js';
import { paintStatus } from '../terminal/status-style.js';
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

  /** Every stage and step with its status and time, and the first failure. */
  sum(state: RunState): void {
    this.terminal.say();
    for (const stage of state.stages) {
      this.line(stage.name, stage.status, took(stage), '');
      for (const step of stage.steps)
        this.line(`  ${step.name}`, step.status, took(step), why(step));
    }
    const { failure } = state;
    if (failure) {
      this.terminal.say();
      const { stage, step, reason, lastLines } = failure;
      const shown = { stage, step, message: reason.message, lastLines };
      for (const line of failureLines(shown, this.terminal.colour)) this.terminal.say(line);
    }
    this.terminal.say();
    this.line('Result', state.status, took(state), '');
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
    const label = paintStatus(this.terminal, status, status.padEnd(9));
    const end = [time, shortNote(text)].filter((part) => part !== '').join('  ');
    this.terminal.say(
      `${label} ${cleanText(name)}${end === '' ? '' : `  ${this.terminal.paint('dim', end)}`}`,
    );
  }
}

function why(step: StepState): string {
  if (step.flaky) return 'passed after a retry';
  if (step.status === 'success') return '';
  return step.reason?.message ?? '';
}

function took({ startedAt, finishedAt }: { startedAt?: number; finishedAt?: number }): string {
  if (startedAt === undefined || finishedAt === undefined) return '';
  const ms = finishedAt - startedAt;
  return ms < 10_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
