import { RefusedError } from '../api/refusal.js';
import { problem } from '../api/wire-readers.js';
import { cleanText } from '../terminal/clean-text.js';
import { printProblems, type ShownProblem } from '../terminal/problem-list.js';
import type { Terminal } from '../terminal/terminal.js';

const MAX_PROBLEMS = 1_000;

/** Problems that a server found, as `lint` prints its own. */
export function printServerProblems(
  file: string,
  problems: readonly ShownProblem[],
  print: (line: string) => void,
  terminal: Terminal,
): void {
  printProblems(file, problems.map(cleanProblem), print, terminal);
}

/** The places in a file that a refusal is about; none of another error. */
export function problemsOf(error: unknown): readonly ShownProblem[] {
  const details = error instanceof RefusedError ? error.answer?.details : undefined;
  if (!Array.isArray(details)) return [];
  return details.slice(0, MAX_PROBLEMS).flatMap((each: unknown) => {
    try {
      return [problem(each, '')];
    } catch {
      return []; // A detail of another kind.
    }
  });
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
