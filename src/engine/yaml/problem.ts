import { quoted } from '../../common/values/redact-urls.js';

/** Where a value stands in the document: names of keys and indices of lists, from the root. */
export type YamlPath = readonly (string | number)[];

/** One mistake in a pipeline file. Lines and columns count from 1, columns in UTF-16 units. */
export interface Problem {
  /** `stages[0].steps[1].run`; `''` is the document. */
  readonly path: string;
  readonly line: number;
  readonly column: number;
  /** A file with errors is refused; warnings are reported and stored with the version. */
  readonly severity: 'error' | 'warning';
  /** Stable, listed in docs/pipeline-yaml.md. */
  readonly code: string;
  readonly message: string;
  /** What to write instead. */
  readonly suggestion?: string;
}

/** Problems beyond this number are counted, not listed. */
export const MAX_PROBLEMS = 100;

/**
 * `stages[0].steps["unit (20)"]`-like text of a path. A key is cut after 100 characters: each
 * problem below it says it again.
 */
export function formatPath(path: YamlPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${String(part)}]`;
    else if (!/^[A-Za-z_][\w-]{0,99}$/.test(part)) text += `[${JSON.stringify(quoted(part, 100))}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === 'error');
}

/** In the order of the text; problems of one place keep the order in which they were found. */
export function inTextOrder(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
}
