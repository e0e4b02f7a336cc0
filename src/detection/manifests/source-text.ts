/** How comments and texts are written: as in C, as in Python, or as in shells and Ruby. */
export type Lexis = 'c' | 'python' | 'hash';

interface Rules {
  readonly comments: readonly (readonly [begin: string, end: string])[];
  /** Longest first. */
  readonly quotes: readonly string[];
}

const LINE_END = '\n';
const RULES: Readonly<Record<Lexis, Rules>> = {
  c: {
    comments: [
      ['//', LINE_END],
      ['/*', '*/'],
    ],
    quotes: ['"""', '"', "'", '`'],
  },
  python: { comments: [['#', LINE_END]], quotes: ['"""', "'''", '"', "'"] },
  hash: { comments: [['#', LINE_END]], quotes: ['"', "'"] },
};

/**
 * A source file, taken apart so far that neither a comment nor a text is mistaken for code. It is
 * no parser: rules find only what stands in it literally, and say `unknown` of the rest.
 */
export class SourceText {
  /** Without comments. */
  readonly code: string;
  /** Without comments and what stands in texts; the same places as in `code`. */
  readonly bare: string;

  constructor(text: string, lexis: Lexis) {
    const [code, bare] = blanked(text, RULES[lexis]);
    this.code = code;
    this.bare = bare;
  }

  /** All matches in `bare`, each with its line, counted from 1. The pattern has the flag `g`. */
  *matches(pattern: RegExp): Generator<{ readonly match: RegExpExecArray; readonly line: number }> {
    let [line, at] = [1, 0];
    for (const match of this.bare.matchAll(pattern)) {
      for (; at < match.index; at += 1) if (this.bare[at] === LINE_END) line += 1;
      yield { match, line };
    }
  }

  /** The text whose first quote stands at a place of `bare`. */
  textAt(place: number): string | undefined {
    const quote = this.bare[place];
    if (quote !== '"' && quote !== "'") return undefined;
    const end = this.bare.indexOf(quote, place + 1);
    return end < 0 ? undefined : this.code.slice(place + 1, end);
  }
}

function blanked(text: string, { comments, quotes }: Rules): readonly [string, string] {
  const code: string[] = [];
  const bare: string[] = [];
  const blank = (part: string): string => part.replace(/[^\n]/g, ' ');
  const isAt = (word: string, at: number): boolean => text.startsWith(word, at);
  for (let at = 0; at < text.length;) {
    // Behind a backslash it is a part of a pattern: `/^https?:\/\//`.
    const comment = text[at - 1] === '\\' ? undefined : comments.find(([begin]) => isAt(begin, at));
    if (comment !== undefined) {
      const [begin, end] = comment;
      const found = text.indexOf(end, at + begin.length);
      // The line's end is code again.
      const next = found < 0 ? text.length : found + (end === LINE_END ? 0 : end.length);
      const gone = blank(text.slice(at, next));
      code.push(gone);
      bare.push(gone);
      at = next;
      continue;
    }
    const quote = quotes.find((one) => isAt(one, at));
    if (quote !== undefined) {
      const next = endOfText(text, at, quote);
      const inner = text.slice(at + quote.length, next - quote.length);
      code.push(text.slice(at, next));
      bare.push(
        quote,
        blank(inner),
        text.slice(Math.max(next - quote.length, at + quote.length), next),
      );
      at = next;
      continue;
    }
    const char = text[at] ?? '';
    code.push(char);
    bare.push(char);
    at += 1;
  }
  return [code.join(''), bare.join('')];
}

/** Behind the closing quote; a text of one line that is not closed ends with it. */
function endOfText(text: string, start: number, quote: string): number {
  const isOneLine = quote === '"' || quote === "'";
  for (let at = start + quote.length; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text.startsWith(quote, at)) return at + quote.length;
    else if (isOneLine && text[at] === LINE_END) return at;
  }
  return text.length;
}
