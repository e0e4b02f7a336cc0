/** A part of a word, quotes removed. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  /** A value that the shell puts there: `$V`, `${V}`, `$(…)` without expressions, `$((…))`. */
  | { readonly kind: 'expansion'; readonly quoted: boolean }
  /** `$(…)` that holds expressions, by their numbers. */
  | {
      readonly kind: 'substitution';
      readonly quoted: boolean;
      readonly expressions: readonly number[];
    }
  | { readonly kind: 'expression'; readonly number: number; readonly quote: Quote };

export type Quote = 'none' | 'double' | 'single';

export interface Word {
  readonly pieces: readonly Piece[];
}

/** One simple command, without its redirections. */
export interface SimpleCommand {
  readonly assignments: readonly Word[];
  readonly words: readonly Word[];
}

/** How an expression reaches the shell, or why it cannot. */
export type Place =
  /** It is a word, a part of one, or stands inside plain double quotes. */
  | { readonly kind: 'word' }
  | {
      readonly kind: 'refused';
      readonly why: Refusal;
      /**
       * In plans that were stored before places were checked it is filled in so; absent = the step
       * fails.
       */
      readonly stored?: 'expanded' | 'single_quoted';
    };

export type Refusal =
  /** Something on the way there is not understood for sure; `what` it is. */
  | { readonly kind: 'unclear'; readonly what: string; readonly line: number }
  | { readonly kind: 'single_quotes' }
  /** Of more words than are looked at. */
  | { readonly kind: 'long' }
  | { readonly kind: 'heredoc'; readonly quoted: boolean }
  | { readonly kind: 'substitution' }
  | { readonly kind: 'comment' }
  | { readonly kind: 'arithmetic' }
  | { readonly kind: 'pattern' }
  /** The value would name the program, or become one of the words that decide it. */
  | { readonly kind: 'program' }
  /** `program` reads it as code, or as a name that it evaluates. */
  | { readonly kind: 'code'; readonly program: string }
  | { readonly kind: 'special_variable'; readonly name: string }
  /** Without quotes it could become several words where one is meant. */
  | { readonly kind: 'unquoted' };

/** The text of a word that only holds text; undefined when the run decides some of it. */
export function literalOf({ pieces }: Word): string | undefined {
  let text = '';
  for (const piece of pieces) {
    if (piece.kind !== 'text') return undefined;
    text += piece.text;
  }
  return text;
}

/**
 * The same, but only when nothing of it is quoted: so a shell reads its own words (`if`, `{`,
 * `[[`).
 */
export function bareWord(word: Word): string | undefined {
  return word.pieces.every((piece) => piece.kind === 'text' && !piece.quoted)
    ? literalOf(word)
    : undefined;
}

/** Numbers of the expressions of a word, those in its substitutions too. */
export function expressionsOf({ pieces }: Word): number[] {
  return pieces.flatMap((piece) => {
    if (piece.kind === 'expression') return [piece.number];
    return piece.kind === 'substitution' ? piece.expressions : [];
  });
}

/** Whether the word is one word whatever the values are. */
export function staysOneWord({ pieces }: Word): boolean {
  return pieces.every((piece) => {
    if (piece.kind === 'text') return piece.quoted || !/[*?[{~]/.test(piece.text);
    return piece.kind === 'expression' ? piece.quote !== 'none' : piece.quoted;
  });
}

const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]*)\+?=/;

/** The variable that a word like `NAME=…` sets, where NAME and `=` are text without quotes. */
export function assignedName({ pieces: [first] }: Word): string | undefined {
  if (first?.kind !== 'text' || first.quoted) return undefined;
  return ASSIGNMENT.exec(first.text)?.[1];
}
