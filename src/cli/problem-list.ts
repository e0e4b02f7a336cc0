import type { Problem } from '../engine/definition/problem.js';
import type { Terminal } from './terminal.js';

/** `file:line:column: error: message` as compilers print it, so that editors find the place; the suggestion follows. */
export function printProblems(
  file: string,
  problems: readonly Problem[],
  print: (line: string) => void,
  terminal: Terminal,
): void {
  for (const { line, column, severity, message, code, suggestion } of problems) {
    const kind = terminal.paint(severity === 'error' ? 'red' : 'yellow', severity);
    print(`${file}:${line}:${column}: ${kind}: ${message} [${code}]`);
    if (suggestion) print(`    ${terminal.paint('dim', suggestion)}`);
  }
}
