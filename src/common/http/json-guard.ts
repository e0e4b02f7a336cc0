/** Lists and objects within each other: what checks and copies a body goes down into it. */
const MAX_DEPTH = 64;
/** Commas, colons and brackets outside of texts: each value has at least one. */
const MAX_PARTS = 50_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Finds JSON that would hold the process for long although it is small enough: a body of 10 MiB may
 * be a text, or five million numbers, or ten million brackets. One pass over the bytes, whatever
 * they are; that they are JSON is not checked.
 */
export function jsonProblem(bytes: Buffer): 'too_deep' | 'too_many_parts' | undefined {
  let depth = 0;
  let parts = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    switch (bytes[at]) {
      case QUOTE:
        at = endOfText(bytes, at);
        break;
      case 0x7b: // {
      case 0x5b: // [
        depth += 1;
        if (depth > MAX_DEPTH) return 'too_deep';
        parts += 1;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth -= 1;
        break;
      case 0x2c: // ,
      case 0x3a: // :
        parts += 1;
        break;
      default:
    }
    if (parts > MAX_PARTS) return 'too_many_parts';
  }
  return undefined;
}

/** Position of the quote that closes the text which the one at `start` opens. */
function endOfText(bytes: Buffer, start: number): number {
  let end = bytes.indexOf(QUOTE, start + 1);
  while (end > 0 && isEscaped(bytes, start, end)) end = bytes.indexOf(QUOTE, end + 1);
  return end < 0 ? bytes.length : end;
}

function isEscaped(bytes: Buffer, start: number, at: number): boolean {
  let first = at;
  while (first - 1 > start && bytes[first - 1] === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}
