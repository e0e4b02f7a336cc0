import { byteAddress, characterProblem, utf8Problem } from '../../common/values/text-rule.js';
import type { Problem } from './problem.js';

/** Bytes of YAML in UTF-8; a longer text is refused unread. */
export const MAX_YAML_BYTES = 1_048_576;

/** Converts offsets of a text to lines and columns. */
export class SourceText {
  private readonly lineStarts: number[] = [0];

  constructor(readonly text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
      this.lineStarts.push(at + 1);
    }
  }

  /** Line and column of an offset, from 1. */
  position(offset: number): { line: number; column: number } {
    let low = 0;
    let high = this.lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.lineStarts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.lineStarts[low] ?? 0) + 1 };
  }
}

type Decoded =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly problem: Problem };

/**
 * The text of an uploaded file: UTF-8, with or without a byte order mark. UTF-16 and other bytes
 * are problems, never guesses.
 */
export function decodeYamlBytes(bytes: Uint8Array): Decoded {
  if (bytes.byteLength > MAX_YAML_BYTES) return { ok: false, problem: tooLarge(bytes.byteLength) };
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return { ok: false, problem: encodingProblem('The file is UTF-16.') };
  }
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    const { line, column } = byteAddress(bytes, utf8Problem(bytes) ?? 0);
    return { ok: false, problem: { ...encodingProblem('The file is not UTF-8.'), line, column } };
  }
}

/**
 * What keeps a text from being YAML at all: its size, NUL and other control characters, broken
 * surrogates.
 */
export function textProblem(text: string): Problem | undefined {
  const bytes = Buffer.byteLength(text, 'utf8');
  if (bytes > MAX_YAML_BYTES) return tooLarge(bytes);
  const found = characterProblem(text);
  if (found === undefined) return undefined;
  const { line, column } = new SourceText(text).position(found.index);
  const isWide = text.startsWith('\u0000') || text.charAt(1) === '\u0000';
  return {
    ...documentProblem('invalid_character', `A pipeline may not hold ${found.what}.`),
    line,
    column,
    suggestion: isWide ? 'Save the file as UTF-8' : 'Remove it',
  };
}

function tooLarge(bytes: number): Problem {
  const message = `The YAML has ${String(bytes)} bytes; the limit is ${String(MAX_YAML_BYTES)} (1 MiB).`;
  return {
    ...documentProblem('too_large', message),
    suggestion: 'Move long scripts into files of the repository',
  };
}

function encodingProblem(message: string): Problem {
  return { ...documentProblem('invalid_encoding', message), suggestion: 'Save the file as UTF-8' };
}

function documentProblem(code: string, message: string): Problem {
  return { path: '', line: 1, column: 1, severity: 'error', code, message };
}
