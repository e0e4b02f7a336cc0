import { valueOf } from '../../common/values/name-record.js';
import { RefusedError } from '../api/refusal.js';
import { problem, type ReasonWithData } from '../api/wire-readers.js';
import { cleanText } from '../terminal/clean-text.js';
import { printProblems, type ShownProblem } from '../terminal/problem-list.js';
import type { Terminal } from '../terminal/terminal.js';

const MAX_PROBLEMS = 1_000;

/** Problems that a server found, as `lint` prints its own. */
export function printServerProblems(
  file: string,
  problems: readonly ShownProblem[],
  print: (line: string) => void,
  terminal: Pick<Terminal, 'paint'>,
): void {
  printProblems(file, problems.map(cleanProblem), print, terminal);
}

/** The places in a file that a refusal is about; none of another error. */
export function problemsOf(error: unknown): readonly ShownProblem[] {
  return problemsAmong(error instanceof RefusedError ? error.answer?.details : undefined);
}

/** All problems of a file that a reason is about, a line or two each; none of another reason. */
export function reasonProblemLines(
  { data = {} }: Partial<Pick<ReasonWithData, 'data'>>,
  terminal: Pick<Terminal, 'paint'>,
): string[] {
  const [path, more] = [valueOf(data, 'path'), valueOf(data, 'more')];
  const lines: string[] = [];
  printServerProblems(
    typeof path === 'string' ? cleanText(path) : '',
    problemsAmong(valueOf(data, 'problems')),
    (line) => lines.push(line),
    terminal,
  );
  if (lines.length > 0 && typeof more === 'number') lines.push(`${more} more are not listed.`);
  return lines;
}

/** Those of a list that are problems of a file. */
function problemsAmong(list: unknown): readonly ShownProblem[] {
  if (!Array.isArray(list)) return [];
  return list.slice(0, MAX_PROBLEMS).flatMap((each: unknown) => {
    try {
      return [problem(each, '')];
    } catch {
      return []; // Of another kind.
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
