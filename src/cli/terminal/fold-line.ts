import stringWidth from 'string-width';

/** Of what follows the first line, columns in front, where nothing else says it. */
const INDENT = 4;
/** What hangs below its own column, as long as that lies in this part of the width. */
const HANGING_PART = 0.6;
/** With the variables that are set for it: `NAME=value`, in single quotes where it must be. */
const COMMAND = /(?:\b[A-Z_][A-Z0-9_]*=(?:'[^']*'|\\.|[^\s'\\])* )*\.\/millrace /;

/**
 * A line in lines of at most so many columns, broken between words; what follows hangs below the
 * last column of the text. A word that is longer stays whole, and so does a command to copy, which
 * is the end of a line.
 */
export function foldLine(line: string, columns: number): string {
  if (stringWidth(line) <= columns) return line;
  const [start = '', space = ''] = /^(\s*)/.exec(line) ?? [];
  const hang = ' '.repeat(hangOf(line, columns) ?? space.length + INDENT);
  const lines: string[] = [];
  let current = start;
  for (const word of wordsOf(line.slice(start.length))) {
    const isFirst = current.trim() === '';
    if (isFirst || stringWidth(current + word.trimEnd()) <= columns) {
      current += word;
      continue;
    }
    lines.push(current.trimEnd());
    current = `${hang}${word}`;
  }
  return [...lines, current.trimEnd()].join('\n');
}

/** Each with the blanks behind it. */
function wordsOf(text: string): string[] {
  const at = text.search(COMMAND);
  const [plain, command] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
  const words = plain.match(/\S+\s*/g) ?? [];
  return command === '' ? words : [...words, command];
}

/** Where the last column of a line with columns begins. */
function hangOf(line: string, columns: number): number | undefined {
  const gap = [...line.matchAll(/\S( {2,})(?=\S)/g)].at(-1);
  if (gap === undefined) return undefined;
  const at = stringWidth(line.slice(0, gap.index + gap[0].length));
  return at <= columns * HANGING_PART ? at : undefined;
}
