import type { Terminal } from '../terminal/terminal.js';
import type { ExampleResult } from './example-run.js';

/** Lines to paste into a shell: each is printed as it is, however narrow the terminal is. */
export interface PastedLines {
  /** A command of ours, for the server that was started here. */
  readonly here: (command: string) => string;
  /** Starts a pipeline by the API. */
  readonly trigger: (pipelineId: string) => string;
}

/** What became of the first pipeline, and how to run it again. */
export function reportExample(
  result: ExampleResult,
  terminal: Terminal,
  { here, trigger }: PastedLines,
): void {
  if (result.kind === 'unfinished') {
    terminal.print(`  It has not ended after ${result.afterMs / 1_000} s. Why:`);
    terminal.printWhole(`  ${here(`explain ${result.executionId}`)}`);
    terminal.print();
    return;
  }
  for (const line of result.logs) terminal.print(`  | ${line}`);
  const good = result.status === 'success';
  const took = result.duration === null ? '' : ` in ${result.duration} ms`;
  terminal.print(`  ${terminal.paint(good ? 'green' : 'red', result.status)}${took}`);
  terminal.printWhole(`  ${here(`status ${result.executionId}`)}`);
  terminal.print();
  terminal.print('Run it again yourself, or by the API:');
  terminal.printWhole(`  ${here(`trigger ${result.pipelineId}`)}`);
  terminal.printWhole(`  ${trigger(result.pipelineId)}`);
  terminal.print();
}
