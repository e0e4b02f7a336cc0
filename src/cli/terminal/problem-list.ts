import type { Terminal } from './terminal.js';

/** What is shown of a problem, ours or a server's. */
export interface ShownProblem {
  readonly line: number;
  readonly column: number;
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly suggestion?: string;
}

/** How many errors there are, in words; warnings are none. */
export function countErrors(problems: readonly Pick<ShownProblem, 'severity'>[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  return `${errors} ${errors === 1 ? 'error' : 'errors'}`;
}

/**
 * `file:line:column: error: message` as compilers print it, so that editors find the place; the
 * suggestion follows.
 */
export function printProblems(
  file: string,
  problems: readonly ShownProblem[],
  print: (line: string) => void,
  terminal: Pick<Terminal, 'paint'>,
): void {
  for (const { line, column, severity, message, code, suggestion } of problems) {
    const kind = terminal.paint(severity === 'error' ? 'red' : 'yellow', severity);
    print(`${file}:${line}:${column}: ${kind}: ${message} [${code}]`);
    if (suggestion) print(`    ${terminal.paint('dim', suggestion)}`);
  }
}
