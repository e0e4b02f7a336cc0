import type { Piece, Place, Quote, Word } from './shell-tree.js';

/**
 * Stands for an expression in the text that is read; a text that holds one itself is not
 * understood.
 */
export const MARK = '\0';

/** Thrown where a text continues in a way that is not understood for sure. */
export class NotUnderstood extends Error {
  constructor(
    readonly what: string,
    readonly at: number,
  ) {
    super(`not understood: ${what}`);
  }
}

/**
 * Reads `$(…)` whose inside begins at `at`: where it ends, behind the `)`, and the expressions in
 * it.
 */
export type ReadSubstitution = (at: number) => { end: number; expressions: number[] };

const META = new Set(' \t\n;&|<>()');
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
/** Of `${…}` everything that has no quotes, nothing nested and no backslash. */
const PARAMETER =
  /\$\{(?:#?(?:[A-Za-z_][A-Za-z0-9_]*(?:\[[A-Za-z0-9_@*]+\])?|[0-9]+|[@*])|[?$!#-]|(?:[A-Za-z_][A-Za-z0-9_]*|[0-9]+)(?::?[-+=?]|##?|%%?|:|\/|\^\^?|,,?|@)[A-Za-z0-9_ .,:/@+=^*?%~#-]*)\}/y;
const ARITHMETIC = /\$\(\((?:[^()'"`\\#{}\n]|\$\{\w+\}|\([^()'"`\\#{}\n]*\))*\)\)/y;
const BACKTICKS = /`[^`'"\\#()<>{}\0\n]*`/y;

/** Reads words of a shell text: quotes, variables, substitutions. Knows nothing of commands. */
export class WordReader {
  constructor(
    readonly text: string,
    private readonly substitution: ReadSubstitution,
    /** What is decided here about an expression that is no part of a word. */
    private readonly refuse: (number: number, place: Place) => void,
    /** Of the marks before an offset. */
    private readonly numberAt: (at: number) => number,
  ) {}

  /** The word at an offset and where it ends; no pieces = there is none. */
  read(start: number): { word: Word; end: number } {
    const pieces: Piece[] = [];
    let at = start;
    for (;;) {
      const char = this.text.charAt(at);
      if (char === '' || META.has(char)) return { word: { pieces: merged(pieces) }, end: at };
      at = this.piece(char, at, pieces);
    }
  }

  private piece(char: string, at: number, pieces: Piece[]): number {
    switch (char) {
      case '\\':
        return this.escaped(at, pieces);
      case "'":
        return this.single(at, pieces);
      case '"':
        return this.double(at, pieces);
      case '$':
        return this.dollar(at, false, pieces);
      case '`':
        return this.backticks(at, false, pieces);
      case MARK:
        pieces.push(this.expression(at, 'none'));
        return at + 1;
      default:
        if (isControl(char)) throw new NotUnderstood('a control character', at);
        pieces.push({ kind: 'text', text: char, quoted: false });
        return at + 1;
    }
  }

  private escaped(at: number, pieces: Piece[]): number {
    const next = this.text.charAt(at + 1);
    if (next === '\n') return at + 2;
    if (next === MARK || next === '') throw new NotUnderstood('a backslash before it', at);
    pieces.push({ kind: 'text', text: next, quoted: true });
    return at + 2;
  }

  private single(start: number, pieces: Piece[]): number {
    const end = this.text.indexOf("'", start + 1);
    if (end < 0) throw new NotUnderstood("a ' that is not closed", start);
    pieces.push({ kind: 'text', text: '', quoted: true });
    for (let at = start + 1; at < end; at++) {
      const char = this.text.charAt(at);
      if (char === MARK) pieces.push(this.expression(at, 'single'));
      else pieces.push({ kind: 'text', text: char, quoted: true });
    }
    return end + 1;
  }

  private double(start: number, pieces: Piece[]): number {
    pieces.push({ kind: 'text', text: '', quoted: true });
    let at = start + 1;
    for (;;) {
      const char = this.text.charAt(at);
      if (char === '"') return at + 1;
      if (char === '') throw new NotUnderstood('a " that is not closed', start);
      if (char === '$') at = this.dollar(at, true, pieces);
      else if (char === '`') at = this.backticks(at, true, pieces);
      else if (char === MARK) {
        pieces.push(this.expression(at, 'double'));
        at += 1;
      } else if (char === '\\') at = this.escapedInDouble(at, pieces);
      else {
        pieces.push({ kind: 'text', text: char, quoted: true });
        at += 1;
      }
    }
  }

  private escapedInDouble(at: number, pieces: Piece[]): number {
    const next = this.text.charAt(at + 1);
    if (next === MARK) throw new NotUnderstood('a backslash before it', at);
    if (next === '\n') return at + 2;
    const text = /[$`"\\]/.test(next) ? next : `\\${next}`;
    pieces.push({ kind: 'text', text, quoted: true });
    return at + 2;
  }

  private dollar(at: number, quoted: boolean, pieces: Piece[]): number {
    const next = this.text.charAt(at + 1);
    const name = matchAt(NAME, this.text, at + 1);
    if (name !== undefined) {
      pieces.push({ kind: 'expansion', quoted });
      return at + 1 + name.length;
    }
    if (/[0-9@*#?$!-]/.test(next)) {
      pieces.push({ kind: 'expansion', quoted: quoted && next !== '@' });
      return at + 2;
    }
    if (next === '{') return this.parameter(at, quoted, pieces);
    if (next === '(') return this.parenthesis(at, quoted, pieces);
    if (next === MARK || next === '[' || next === '\\' || (!quoted && /['"]/.test(next))) {
      throw new NotUnderstood(`a $ before ${next === MARK ? 'it' : next}`, at);
    }
    pieces.push({ kind: 'text', text: '$', quoted });
    return at + 1;
  }

  private parameter(at: number, quoted: boolean, pieces: Piece[]): number {
    const whole = matchAt(PARAMETER, this.text, at);
    if (whole === undefined) throw new NotUnderstood('${…} with quotes or more in it', at);
    pieces.push({ kind: 'expansion', quoted: quoted && !whole.includes('@') });
    return at + whole.length;
  }

  private parenthesis(at: number, quoted: boolean, pieces: Piece[]): number {
    if (this.text.startsWith('((', at + 1)) {
      const whole = matchAt(ARITHMETIC, this.text, at);
      if (whole === undefined) throw new NotUnderstood('$((…))', at);
      this.refuseAll(whole, at, { kind: 'refused', why: { kind: 'arithmetic' } });
      pieces.push({ kind: 'expansion', quoted });
      return at + whole.length;
    }
    const { end, expressions } = this.substitution(at + 2);
    if (expressions.length === 0) pieces.push({ kind: 'expansion', quoted });
    else pieces.push({ kind: 'substitution', quoted, expressions });
    return end;
  }

  private backticks(at: number, quoted: boolean, pieces: Piece[]): number {
    const whole = matchAt(BACKTICKS, this.text, at);
    if (whole === undefined) throw new NotUnderstood('`…`', at);
    pieces.push({ kind: 'expansion', quoted });
    return at + whole.length;
  }

  /** Refuses every expression of a part of the text. */
  refuseAll(part: string, at: number, place: Place): void {
    for (let index = part.indexOf(MARK); index >= 0; index = part.indexOf(MARK, index + 1)) {
      this.refuse(this.numberAt(at + index), place);
    }
  }

  private expression(at: number, quote: Quote): Piece {
    return { kind: 'expression', number: this.numberAt(at), quote };
  }
}

export function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function isControl(char: string): boolean {
  const unit = char.charCodeAt(0);
  return unit < 32 || unit === 127;
}

/** Neighbouring texts of one kind are one. */
function merged(pieces: readonly Piece[]): Piece[] {
  const result: Piece[] = [];
  let run: { text: string[]; quoted: boolean } | undefined;
  const flush = (): void => {
    if (run !== undefined) {
      result.push({ kind: 'text', text: run.text.join(''), quoted: run.quoted });
    }
    run = undefined;
  };
  for (const piece of pieces) {
    if (piece.kind !== 'text') {
      flush();
      result.push(piece);
    } else if (run?.quoted === piece.quoted) {
      run.text.push(piece.text);
    } else {
      flush();
      run = { text: [piece.text], quoted: piece.quoted };
    }
  }
  flush();
  return result;
}
