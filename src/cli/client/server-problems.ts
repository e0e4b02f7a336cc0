import { printProblems, type ShownProblem } from '../problem-list.js';
import type { Terminal } from '../terminal.js';
import { cleanText } from '../clean-text.js';

/** Problems that a server found, as `lint` prints its own. */
export function printServerProblems(
  file: string,
  problems: readonly ShownProblem[],
  print: (line: string) => void,
  terminal: Terminal,
): void {
  printProblems(file, problems.map(cleanProblem), print, terminal);
}

/** True for a detail of an answer that is about a place in a file. */
export function isProblem(value: Partial<ShownProblem>): value is ShownProblem {
  return typeof value.line === 'number' && typeof value.message === 'string';
}

function cleanProblem(problem: ShownProblem): ShownProblem {
  const { suggestion } = problem;
  return {
    ...problem,
    severity: cleanText(problem.severity),
    code: cleanText(problem.code),
    message: cleanText(problem.message),
    ...(suggestion === undefined ? {} : { suggestion: cleanText(suggestion) }),
  };
}
