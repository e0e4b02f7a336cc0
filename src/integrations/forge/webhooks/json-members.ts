/** Lists and objects within each other. */
const MAX_DEPTH = 64;
/** Of the value of a member that is asked for, bytes. What forges send has a few thousand. */
const MAX_VALUE = 256 * 1024;

/** Bytes that are looked at. Forges name the repository before long lists, or cut the lists. */
const MAX_LENGTH = 4 * 1024 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const WHITE: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/**
 * The values of some members of a JSON object, without parsing the rest: a sender that nobody has
 * verified must not choose how long that takes. One pass, byte by byte, which builds nothing and
 * ends when all are found; of members of one name the first counts. That the rest is JSON is not
 * checked.
 * @returns those that are there in the first 4 MiB; none where the bytes are no object, or one that
 *   is nested too deep
 */
export function jsonMembers(json: Buffer, names: readonly string[]): ReadonlyMap<string, unknown> {
  const bytes = json.subarray(0, MAX_LENGTH);
  const found = new Map<string, unknown>();
  let wanted = names.map((name) => ({ name, bytes: Buffer.from(name) }));
  let depth = 0;
  /** The last text of the object itself: before a colon, the name of a member. */
  let textStart = 0;
  let textEnd = -1;
  let member: { readonly name: string; readonly start: number } | undefined;
  const endMember = (end: number): void => {
    const ended = member;
    if (ended === undefined) return;
    const value = parsed(bytes.subarray(ended.start, end));
    if (value !== undefined) found.set(ended.name, value);
    wanted = wanted.filter(({ name }) => name !== ended.name);
    member = undefined;
  };
  let at = 0;
  while (WHITE.has(bytes[at])) at += 1;
  if (bytes[at] !== 0x7b) return found;
  for (; at < bytes.length && wanted.length > 0; at += 1) {
    switch (bytes[at]) {
      case QUOTE: {
        const start = at + 1;
        at = endOfText(bytes, start);
        if (depth !== 1) break;
        textStart = start;
        textEnd = at;
        break;
      }
      case 0x7b: // {
      case 0x5b: // [
        depth += 1;
        if (depth > MAX_DEPTH) return new Map();
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth -= 1;
        if (depth > 0) break;
        endMember(at);
        return found;
      case 0x2c: // ,
        if (depth === 1) endMember(at);
        break;
      case 0x3a: {
        // :
        if (depth !== 1 || textEnd < 0 || member !== undefined) break;
        const [start, end] = [textStart, textEnd];
        const named = wanted.find((one) => isThere(bytes, start, end, one.bytes));
        if (named) member = { name: named.name, start: at + 1 };
        textEnd = -1;
        break;
      }
      default:
    }
  }
  return found;
}

/** Position of the quote that closes the text which starts there. */
function endOfText(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

function isThere(bytes: Buffer, start: number, end: number, text: Buffer): boolean {
  if (end - start !== text.length) return false;
  for (let at = 0; at < text.length; at += 1) {
    if (bytes[start + at] !== text[at]) return false;
  }
  return true;
}

function parsed(value: Buffer): unknown {
  if (value.length > MAX_VALUE) return undefined;
  try {
    return JSON.parse(value.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
