import { WORD_BYTES, wordView } from '../../common/values/word-view.js';

const LINE_FEED = 0x0a;
const LINE_END = Buffer.from('\n');
const FOUR_LINE_FEEDS = 0x0a0a0a0a;
/** The seven low bits of each of four bytes. */
const LOW_BITS = 0x7f7f7f7f;
/**
 * Pieces of a line that are kept apart before they are joined: a step may print byte by byte.
 */
const MAX_PIECES = 64;

/**
 * Where whole lines go. `count` lines, their bytes in `pieces`, each line with its `\n`. The
 * pieces are good during the call only: their memory is used again.
 */
export interface LineReceiver {
  lines(pieces: readonly Buffer[], byteLength: number, count: number): void;
  /** One piece of a line, with an added `\n`, as `lines`; the line continues. */
  cutLine(pieces: readonly Buffer[], byteLength: number): void;
  /** A last line that had no `\n`, with an added one, as `lines`. */
  lastLine(pieces: readonly Buffer[], byteLength: number): void;
}

/**
 * Cuts the bytes of one source into whole lines, keeping the unfinished one. A line of more than
 * `lineBytes` bytes is handed on in pieces of at most that many, cut between two UTF-8 characters,
 * so memory is bounded for any input. Of what was pushed it keeps a copy.
 */
export class LineCutter {
  private partial: Buffer[] = [];
  private partialBytes = 0;
  private handed = 0;

  constructor(
    private readonly lineBytes: number,
    private readonly receiver: LineReceiver,
  ) {}

  /**
   * Number of the unfinished line, or of the piece of it that is not handed on; `undefined` when
   * there is none. Another number is another line or piece.
   */
  get unfinished(): number | undefined {
    return this.partialBytes === 0 ? undefined : this.handed;
  }

  push(bytes: Buffer): void {
    let position = 0;
    while (position < bytes.length) {
      // One byte more than a line may have: it shows whether the line ends there or is too long.
      const room = this.lineBytes + 1 - this.partialBytes;
      const part = bytes.subarray(position, position + room);
      position += part.length;
      this.take(part);
      if (this.partialBytes > this.lineBytes) this.cut();
    }
  }

  /**
   * Hands on what there is of the unfinished line, as a piece; but for a UTF-8 character that is
   * not whole yet.
   */
  release(): void {
    const line = Buffer.concat(this.partial);
    const end = wholeCharacters(line);
    if (end > 0) this.handOn(line, end);
  }

  /** Hands on the unfinished line, as a line. */
  end(): void {
    if (this.partialBytes === 0) return;
    const pieces = [...this.partial, LINE_END];
    const byteLength = this.partialBytes + LINE_END.length;
    this.partial = [];
    this.partialBytes = 0;
    this.handed++;
    this.receiver.lastLine(pieces, byteLength);
  }

  private take(part: Buffer): void {
    const end = part.lastIndexOf(LINE_FEED) + 1;
    if (end > 0) {
      const whole = end === part.length ? part : part.subarray(0, end);
      const pieces = this.partial.length === 0 ? [whole] : [...this.partial, whole];
      const byteLength = this.partialBytes + end;
      this.partial = [];
      this.partialBytes = 0;
      this.handed++;
      this.receiver.lines(pieces, byteLength, countLineFeeds(whole));
    }
    if (end === part.length) return;
    this.partial.push(Buffer.from(part.subarray(end)));
    this.partialBytes += part.length - end;
    if (this.partial.length > MAX_PIECES) this.partial = [Buffer.concat(this.partial)];
  }

  private cut(): void {
    const line = Buffer.concat(this.partial);
    this.handOn(line, characterBoundary(line, this.lineBytes));
  }

  private handOn(line: Buffer, end: number): void {
    this.partial = end === line.length ? [] : [line.subarray(end)];
    this.partialBytes = line.length - end;
    this.handed++;
    this.receiver.cutLine([line.subarray(0, end), LINE_END], end + LINE_END.length);
  }
}

/**
 * Looks at four bytes at once: a third of the time of a loop over bytes, whatever the length of the
 * lines. An `indexOf` for each line takes as long only when lines are long.
 */
export function countLineFeeds(bytes: Buffer): number {
  const { words, offset } = wordView(bytes);
  const end = offset + words.length * WORD_BYTES;
  let found = countOneByOne(bytes, 0, offset) + countOneByOne(bytes, end, bytes.length);
  for (let index = 0; index < words.length; index++) {
    // A byte is zero where a line feed was; the highest bit of each zero byte stays.
    const word = (words[index] ?? 0) ^ FOUR_LINE_FEEDS;
    let zeros = ~(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS);
    for (; zeros !== 0; zeros &= zeros - 1) found++;
  }
  return found;
}

function countOneByOne(bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let index = from; index < to; index++) {
    if (bytes[index] === LINE_FEED) count++;
  }
  return count;
}

/**
 * The last place at or up to 3 bytes before `end` where no UTF-8 character is torn; `end` if that
 * is not UTF-8.
 */
function characterBoundary(bytes: Buffer, end: number): number {
  for (let position = end; position > Math.max(0, end - 4); position--) {
    if (((bytes[position] ?? 0) & 0xc0) !== 0x80) return position;
  }
  return end;
}

/**
 * Where a character begins at the end of `bytes` that is not whole; `bytes.length` when it ends
 * with a whole one.
 */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
