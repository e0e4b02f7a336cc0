import { valueOf } from '../../common/values/name-record.js';
import { EXPRESSION_LIMITS, type ExpressionProblem } from './expression.js';

export type TokenKind = 'name' | 'number' | 'string' | 'symbol' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** A name, a symbol, or the value of a string literal. */
  readonly text: string;
  readonly value?: number;
  readonly start: number;
  readonly end: number;
}

export type Tokens =
  | { readonly ok: true; readonly tokens: readonly Token[] }
  | { readonly ok: false; readonly problem: ExpressionProblem };

const SYMBOLS = ['==', '!=', '<=', '>=', '&&', '||', '<', '>', '!', '(', ')', '[', ']', ',', '.'];
const NAME = /[A-Za-z_][A-Za-z0-9_-]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_])/y;
const SPACE = /[ \t\r\n]+/y;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/** What people write by the habit of other languages, and what is meant here. */
const HABITS: Readonly<Record<string, string>> = {
  '=': '==',
  '&': '&&',
  '|': '||',
  '{': '[ ] for a list; there are no object literals',
  '`': "'single quotes'",
};

/** Splits an expression into tokens, the last of which is `end`. One pass, linear. */
export function tokenizeExpression(source: string): Tokens {
  if (source.length > EXPRESSION_LIMITS.sourceLength) {
    const limit = String(EXPRESSION_LIMITS.sourceLength);
    return refuse('expression_too_long', `An expression has at most ${limit} characters.`, 0);
  }
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const space = matchAt(SPACE, source, at);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const token = readToken(source, at);
    if ('code' in token) return { ok: false, problem: token };
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: 'end', text: '', start: source.length, end: source.length });
  return { ok: true, tokens };
}

function readToken(source: string, at: number): Token | ExpressionProblem {
  const char = source.charAt(at);
  if (char === "'" || char === '"') return readString(source, at, char);
  const number = matchAt(NUMBER, source, at);
  if (number !== undefined) {
    return {
      kind: 'number',
      text: number,
      value: Number(number),
      start: at,
      end: at + number.length,
    };
  }
  const name = matchAt(NAME, source, at);
  if (name !== undefined) return { kind: 'name', text: name, start: at, end: at + name.length };
  const symbol = SYMBOLS.find((candidate) => source.startsWith(candidate, at));
  if (symbol !== undefined) {
    return { kind: 'symbol', text: symbol, start: at, end: at + symbol.length };
  }
  const habit = valueOf(HABITS, char);
  return {
    code: 'unexpected_character',
    message: `Unexpected character ${JSON.stringify(String.fromCodePoint(source.codePointAt(at) ?? 0))}.`,
    offset: at,
    ...(habit === undefined ? {} : { suggestion: `Write ${habit}` }),
  };
}

/**
 * `'it''s'` doubles the quote and knows no other escape (so patterns stay readable); `"…"` knows
 * `\n \t \r \\ \" \'`.
 */
function readString(source: string, start: number, quote: "'" | '"'): Token | ExpressionProblem {
  let text = '';
  let at = start + 1;
  while (at < source.length) {
    const char = source.charAt(at);
    if (char === quote) {
      if (quote === "'" && source.charAt(at + 1) === "'") {
        text += "'";
        at += 2;
        continue;
      }
      return { kind: 'string', text, start, end: at + 1 };
    }
    if (char === '\\' && quote === '"') {
      const escaped = valueOf(ESCAPES, source.charAt(at + 1));
      if (escaped === undefined) {
        return {
          code: 'unexpected_character',
          message: 'Unknown escape in a "…" text.',
          offset: at,
          suggestion: "Write \\\\ for a backslash, or use '…', where a backslash is itself",
        };
      }
      text += escaped;
      at += 2;
      continue;
    }
    text += char;
    at += 1;
  }
  return {
    code: 'unclosed_string',
    message: 'A text is not closed.',
    offset: start,
    suggestion: `Add the closing ${quote}`,
  };
}

function matchAt(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0];
}

function refuse(
  code: ExpressionProblem['code'],
  message: string,
  offset: number,
): Extract<Tokens, { ok: false }> {
  return { ok: false, problem: { code, message, offset } };
}
