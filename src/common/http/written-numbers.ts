import { randomBytes } from 'node:crypto';

/** Texts of numbers by the object that `JSON.parse` made them a part of, and its key. */
const texts = new WeakMap<object, Map<string, string>>();

/**
 * Stands in front of a number's text while it is parsed; nobody can write it, because nobody knows
 * it.
 */
const mark = `${randomBytes(16).toString('hex')}:`;

/**
 * `JSON.parse`, which also notes each number that would be written in other words than it was
 * (`1.10` is `1.1`, `1e400` is Infinity, `12345678901234567890` has other digits): what makes texts
 * of numbers asks for it and refuses.
 * @throws SyntaxError as `JSON.parse`, with positions in the text as it is
 */
export function parseJson(text: string): unknown {
  const value = JSON.parse(text) as unknown;
  const marked = markedNumbers(text);
  if (marked === undefined) return value;
  return JSON.parse(marked, function (this: object, key: string, part: unknown): unknown {
    if (typeof part !== 'string' || !part.startsWith(mark)) return part;
    const written = part.slice(mark.length);
    const known = texts.get(this) ?? new Map<string, string>();
    texts.set(this, known.set(key, written));
    return Number(written);
  });
}

/** How a number was written that is not written so again; undefined for all others. */
export function writtenNumber(holder: object, key: string): string | undefined {
  return texts.get(holder)?.get(key);
}

/** JSON with such numbers as marked texts; undefined when there is none. Of valid JSON only. */
function markedNumbers(text: string): string | undefined {
  let marked = '';
  let copied = 0;
  const start = /["\d-]/g;
  const number = /-?\d[\d.eE+-]*/y;
  for (let found = start.exec(text); found !== null; found = start.exec(text)) {
    if (found[0] === '"') {
      // Digits within texts are no numbers.
      start.lastIndex = endOfText(text, found.index) + 1;
      continue;
    }
    number.lastIndex = found.index;
    const [token = ''] = number.exec(text) ?? [];
    start.lastIndex = found.index + token.length;
    if (String(Number(token)) === token) continue;
    marked += `${text.slice(copied, found.index)}"${mark}${token}"`;
    copied = start.lastIndex;
  }
  return copied === 0 ? undefined : marked + text.slice(copied);
}

/** Position of the quote that closes the text which the one at `start` opens. */
function endOfText(text: string, start: number): number {
  let end = start;
  do {
    end = text.indexOf('"', end + 1);
  } while (backslashesBefore(text, end) % 2 === 1);
  return end;
}

function backslashesBefore(text: string, at: number): number {
  let first = at;
  while (text[first - 1] === '\\') first -= 1;
  return at - first;
}
