/** One occurrence of a pattern. */
export interface Occurrence {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/**
 * Bytes of a pattern that the shift table looks at; more would fill the table without longer jumps
 * in practice.
 */
const MAX_WINDOW = 16;

/**
 * Finds all occurrences of many byte patterns in one pass (Wu and Manber, blocks of two bytes).
 *
 * The first `window` bytes of every pattern go into a table: for each pair of bytes, how far the
 * window may move when it ends with that pair. Most pairs of a log occur in no pattern, so the
 * search reads about one pair per `window - 1` bytes, however many patterns there are: one search
 * by `Buffer.indexOf` for each pattern cost ten times as much at 160.
 */
export class PatternSearch {
  readonly count: number;
  readonly longest: number;
  private readonly window: number;
  private readonly shifts: Uint8Array;
  /** Patterns by the pair that ends their window. */
  private readonly byPair = new Map<number, Buffer[]>();
  private readonly byFirstByte = new Map<number, Buffer[]>();

  /** `patterns`: each at least 2 bytes long. */
  constructor(patterns: readonly Buffer[]) {
    this.count = patterns.length;
    this.longest = patterns.reduce((longest, pattern) => Math.max(longest, pattern.length), 0);
    this.window = patterns.reduce((least, { length }) => Math.min(least, length), MAX_WINDOW);
    if (this.window < 2) throw new RangeError('A pattern needs at least 2 bytes.');
    this.shifts = new Uint8Array(patterns.length === 0 ? 0 : 0x10000).fill(this.window - 1);
    for (const pattern of patterns) this.add(pattern);
  }

  private add(pattern: Buffer): void {
    for (let end = 1; end < this.window; end++) {
      const pair = pairAt(pattern, end);
      this.shifts[pair] = Math.min(this.shifts[pair] ?? 0, this.window - 1 - end);
    }
    push(this.byPair, pairAt(pattern, this.window - 1), pattern);
    push(this.byFirstByte, byteAt(pattern, 0), pattern);
  }

  /**
   * All occurrences, overlapping ones too, by their start; of those that begin at one place only
   * the longest.
   */
  findAll(bytes: Buffer): Occurrence[] {
    const found: Occurrence[] = [];
    if (this.count === 0) return found;
    const { shifts, window } = this;
    const length = bytes.length;
    let end = window - 1;
    while (end < length) {
      const pair = (byteAt(bytes, end - 1) << 8) | byteAt(bytes, end);
      const shift = shifts[pair] as number;
      if (shift > 0) {
        end += shift;
        continue;
      }
      const start = end - window + 1;
      const matched = this.longestAt(bytes, start, pair);
      if (matched > 0) found.push({ start, end: start + matched });
      end++;
    }
    return found;
  }

  private longestAt(bytes: Buffer, start: number, pair: number): number {
    let longest = 0;
    for (const pattern of this.byPair.get(pair) ?? []) {
      if (pattern.length > longest && isAt(bytes, start, pattern)) longest = pattern.length;
    }
    return longest;
  }

  /**
   * Where the earliest pattern begins that may be growing at the end of `bytes`, that is the
   * smallest `start` for which `bytes[start..]` is a proper prefix of a pattern; `bytes.length`
   * when there is none. `stopByte` is in no pattern.
   */
  growingFrom(bytes: Buffer, stopByte: number): number {
    const afterStop = bytes.lastIndexOf(stopByte) + 1;
    const first = Math.max(afterStop, bytes.length - this.longest + 1);
    for (let start = first; start < bytes.length; start++) {
      for (const pattern of this.byFirstByte.get(byteAt(bytes, start)) ?? []) {
        const grown = bytes.length - start;
        if (pattern.length > grown && isSame(bytes, start, pattern, grown)) return start;
      }
    }
    return bytes.length;
  }
}

function isAt(bytes: Buffer, start: number, pattern: Buffer): boolean {
  return start + pattern.length <= bytes.length && isSame(bytes, start, pattern, pattern.length);
}

/**
 * Byte by byte: most candidates differ at once, where a call of `Buffer.compare` takes a third of a
 * microsecond. It was the largest part of the time of a log whose lines begin as secrets do.
 */
function isSame(bytes: Buffer, start: number, pattern: Buffer, count: number): boolean {
  for (let index = 0; index < count; index++) {
    if (bytes[start + index] !== pattern[index]) return false;
  }
  return true;
}

function pairAt(bytes: Buffer, end: number): number {
  return (byteAt(bytes, end - 1) << 8) | byteAt(bytes, end);
}

function byteAt(bytes: Buffer, index: number): number {
  return bytes[index] as number;
}

function push(map: Map<number, Buffer[]>, key: number, pattern: Buffer): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [pattern]);
  else list.push(pattern);
}
