import { CST, Lexer } from 'yaml';

/** Collections within collections. */
const MAX_DEPTH = 32;
/**
 * Lexical tokens, of which a block of text (`|`, `>`) is one: bounds the time that parsing takes.
 */
const MAX_TOKENS = 150_000;

export interface GuardProblem {
  readonly code: 'too_deep' | 'too_complex';
  readonly message: string;
  readonly offset: number;
}

/**
 * Refuses what could end the process or hold it for seconds before the recursive parser sees it.
 * Uses the library's lexer, which is iterative and linear: so brackets within texts do not count.
 * Block depth is the number of columns at which open collections began.
 */
export function yamlGuard(text: string): GuardProblem | undefined {
  const columns: number[] = [];
  let flow = 0;
  let tokens = 0;
  let offset = 0;
  let lineStart = 0;
  for (const lexeme of new Lexer().lex(text)) {
    tokens += 1;
    if (tokens > MAX_TOKENS) {
      return { code: 'too_complex', message: 'The YAML has too many parts.', offset };
    }
    const type = CST.tokenType(lexeme);
    const isMark = type === 'scalar' || type === 'doc-mode' || type === 'flow-error-end';
    if (type === 'flow-map-start' || type === 'flow-seq-start') flow += 1;
    if (type === 'flow-map-end' || type === 'flow-seq-end') flow = Math.max(0, flow - 1);
    if (flow === 0 && type !== 'space' && type !== 'newline' && type !== 'comment' && !isMark) {
      openColumn(columns, offset - lineStart, type === 'map-value-ind');
    }
    if (columns.length + flow > MAX_DEPTH) {
      const message = `Lists and maps are nested more than ${String(MAX_DEPTH)} levels deep.`;
      return { code: 'too_deep', message, offset };
    }
    if (isMark) continue;
    offset += lexeme.length;
    const lastBreak = lexeme.lastIndexOf('\n');
    if (lastBreak >= 0) lineStart = offset - lexeme.length + lastBreak + 1;
  }
  return undefined;
}

/**
 * Closes the collections that began right of `column` and opens one there; a `:` within a line
 * opens none.
 */
function openColumn(columns: number[], column: number, isValueMark: boolean): void {
  while ((columns.at(-1) ?? -1) > column) columns.pop();
  if (!isValueMark && (columns.at(-1) ?? -1) < column) columns.push(column);
}
