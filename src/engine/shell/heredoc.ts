import { NotUnderstood, matchAt } from './shell-words.js';

/** A here-document that a line announces: `<<EOF`. */
export interface Heredoc {
  readonly delimiter: string;
  /** Nothing in it is filled in: `<<'EOF'`. */
  readonly quoted: boolean;
  readonly stripTabs: boolean;
}

const DELIMITER =
  /(?:'([A-Za-z0-9_.-]+)'|"([A-Za-z0-9_.-]+)"|\\?([A-Za-z_][A-Za-z0-9_.-]*))(?=[\s;&|<>()]|$)/y;
/**
 * What shells agree on in a body that is filled in: no backslash before a line's end, no nesting,
 * no quotes inside.
 */
const SIMPLE = /^(?:[^$`\\\0]|\0|\\[^\n\0]|\$(?![{(\0])|\$\{\w+\}|\$\([^()'"`\\$#<>{}\n\0]*\))*$/;

/**
 * The here-document whose delimiter stands at an offset; undefined where it is written in an
 * unusual way.
 */
export function announcedHeredoc(
  text: string,
  at: number,
  stripTabs: boolean,
): { heredoc: Heredoc; end: number } | undefined {
  const whole = matchAt(DELIMITER, text, at);
  if (whole === undefined) return undefined;
  const delimiter = whole.replace(/['"\\]/g, '');
  return {
    heredoc: { delimiter, quoted: delimiter !== whole, stripTabs },
    end: at + whole.length,
  };
}

/**
 * Where the line behind the delimiter begins.
 * @throws NotUnderstood when there is none, or shells may see another one
 */
export function heredocEnd(text: string, start: number, heredoc: Heredoc): number {
  let at = start;
  while (at < text.length) {
    const next = text.indexOf('\n', at);
    const end = next < 0 ? text.length : next;
    const line = text.slice(at, end);
    const shown = heredoc.stripTabs ? line.replace(/^\t+/, '') : line;
    if (shown === heredoc.delimiter) {
      if (!heredoc.quoted && !isSimple(text.slice(start, at))) {
        throw new NotUnderstood('a here-document with more than plain variables in it', start);
      }
      return next < 0 ? end : next + 1;
    }
    at = end + 1;
  }
  throw new NotUnderstood(`a here-document without its end "${heredoc.delimiter}"`, start);
}

function isSimple(body: string): boolean {
  return body.split('\n').every((line) => SIMPLE.test(line) && !/(^|[^\\])(\\\\)*\\$/.test(line));
}
