import { classEnd } from './braces.js';

/** One step of a pattern: any number of characters, or one that fits. */
type Token = 'any' | { readonly fits: (character: string) => boolean };

/** A pattern for one name, that is for what stands between two `/`. */
export interface NameGlob {
  /** The name that it is, where it holds nothing special. */
  readonly literal: string | undefined;
  matches(name: string): boolean;
}

/**
 * `*` is any number of characters (also none, also a dot at the beginning), `?` is one, `[a-z]` and
 * `[!a-z]` are classes, `\` takes the meaning from what follows; characters are code points. The
 * time is at most the length of the pattern times that of the name, whatever they hold: after a
 * mistake only the last `*` takes one character more.
 */
export function nameGlob(pattern: string): NameGlob {
  const { tokens, literal } = tokensOf(pattern);
  if (literal !== undefined) return { literal, matches: (name) => name === literal };
  return { literal, matches: (name) => matchTokens(tokens, [...name]) };
}

function tokensOf(pattern: string): { tokens: readonly Token[]; literal: string | undefined } {
  const tokens: Token[] = [];
  let literal = '';
  let isLiteral = true;
  for (let at = 0; at < pattern.length;) {
    const character = characterAt(pattern, at);
    const end = character === '[' ? classEnd(pattern, at) : undefined;
    if (end !== undefined) {
      tokens.push({ fits: classOf(pattern.slice(at + 1, end)) });
      isLiteral = false;
      at = end + 1;
      continue;
    }
    at += character.length;
    if (character === '*') {
      if (tokens.at(-1) !== 'any') tokens.push('any');
      isLiteral = false;
    } else if (character === '?') {
      tokens.push({ fits: () => true });
      isLiteral = false;
    } else {
      const isEscape = character === '\\' && at < pattern.length;
      const plain = isEscape ? characterAt(pattern, at) : character;
      if (isEscape) at += plain.length;
      tokens.push({ fits: (other) => other === plain });
      literal += plain;
    }
  }
  return { tokens, literal: isLiteral ? literal : undefined };
}

function classOf(text: string): (character: string) => boolean {
  const isNegated = text.startsWith('!') || text.startsWith('^');
  const characters: { readonly code: number; readonly isEscaped: boolean }[] = [];
  const all = [...text.slice(isNegated ? 1 : 0)];
  for (let at = 0; at < all.length; at += 1) {
    const isEscaped = all[at] === '\\' && at + 1 < all.length;
    if (isEscaped) at += 1;
    characters.push({ code: all[at]?.codePointAt(0) ?? 0, isEscaped });
  }
  const ranges: (readonly [from: number, to: number])[] = [];
  for (let at = 0; at < characters.length; at += 1) {
    const { code } = characters[at] ?? { code: 0 };
    const dash = characters[at + 1];
    const last = characters[at + 2];
    if (dash?.code === 0x2d && !dash.isEscaped && last !== undefined) {
      ranges.push([code, last.code]);
      at += 2;
    } else {
      ranges.push([code, code]);
    }
  }
  return (character) => {
    const code = character.codePointAt(0) ?? 0;
    return ranges.some(([from, to]) => code >= from && code <= to) !== isNegated;
  };
}

function matchTokens(tokens: readonly Token[], name: readonly string[]): boolean {
  let token = 0;
  let at = 0;
  let lastAny = -1;
  let resumeAt = 0;
  while (at < name.length) {
    const wanted = tokens[token];
    if (wanted === 'any') {
      lastAny = token;
      resumeAt = at;
      token += 1;
    } else if (wanted?.fits(name[at] ?? '') === true) {
      token += 1;
      at += 1;
    } else if (lastAny < 0) {
      return false;
    } else {
      resumeAt += 1;
      token = lastAny + 1;
      at = resumeAt;
    }
  }
  while (tokens[token] === 'any') token += 1;
  return token === tokens.length;
}

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0);
}
