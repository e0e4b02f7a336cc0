/**
 * Which characters a text may hold that is written from outside (YAML, bodies, queries, the command
 * line): one rule for all of them, so that what is taken arrives as it was written, in the step, in
 * the database and on a terminal.
 *
 * Refused everywhere: control characters (C0, DEL, C1) but tab and the ends of lines (LF, CR, NEL);
 * halves of surrogate pairs; U+FFFE and U+FFFF. A text of one line (a name, a branch, a URL) holds
 * none of these either.
 * @see docs/adr/0021-names-texts-and-urls.md
 */
const REFUSED =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]|\p{Surrogate}/u;
const REFUSED_IN_LINE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]|\p{Surrogate}/u;

/** The whole of a text of one line. */
export const ONE_LINE = new RegExp(`^(?:(?!${REFUSED_IN_LINE.source})[^])*$`, 'u');

export interface CharacterProblem {
  /** Of the character, in UTF-16 units. */
  readonly index: number;
  /** `the control character U+001B`; never the character itself. */
  readonly what: string;
}

/** The first character of a text that no text may hold. */
export function characterProblem(text: string): CharacterProblem | undefined {
  return found(REFUSED, text);
}

/** The first character that a text of one line may not hold. */
export function lineProblem(text: string): CharacterProblem | undefined {
  return found(REFUSED_IN_LINE, text);
}

function found(pattern: RegExp, text: string): CharacterProblem | undefined {
  const match = pattern.exec(text);
  return match === null ? undefined : { index: match.index, what: characterName(match[0]) };
}

/** Words for a character that must not be printed. */
export function characterName(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const number = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  if (code >= 0xd800 && code <= 0xdfff) return `half a character (${number})`;
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return `the control character ${number}`;
  return `the character ${number}`;
}

/** What stands for bytes that are no UTF-8, where somebody before us has decoded them. */
export const REPLACEMENT = '\ufffd';

/**
 * What is not UTF-8 in some bytes: where the first such byte stands, from 0; undefined when all is
 * well.
 */
export function utf8Problem(bytes: Uint8Array): number | undefined {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const fits = (end: number): boolean => {
    try {
      // A cut within a character is no mistake: it is reported at the next byte.
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  try {
    decoder.decode(bytes);
    return undefined;
  } catch {
    let low = 0;
    let high = bytes.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (fits(middle)) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** `line 3, column 7` of a byte; columns are bytes. */
export function byteAddress(bytes: Uint8Array, at: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (
    let index = bytes.indexOf(0x0a);
    index >= 0 && index < at;
    index = bytes.indexOf(0x0a, index + 1)
  ) {
    line += 1;
    start = index + 1;
  }
  return { line, column: at - start + 1 };
}
