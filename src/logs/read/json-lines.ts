import { isUtf8 } from 'node:buffer';
import type { GrowingMemory } from '../../common/values/growing-memory.js';
import { WORD_BYTES, wordView, type WordView } from '../../common/values/word-view.js';
import type { LogBatch } from '../store/log-record.js';

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PRINTABLE = 0x20;
const ZERO = 0x30;
const FOUR_QUOTES = 0x22222222;
const FOUR_BACKSLASHES = 0x5c5c5c5c;
const FOUR_PRINTABLES = 0x20202020;
const FOUR_ONES = 0x01010101;
const HIGHEST_BITS = 0x80808080;
const START = Buffer.from('{"seq":');
const END = Buffer.from('"}');
const CONTINUES = Buffer.from('","continues":true}');
/** Bytes of the longest escape, `\u001b`. */
const LONGEST_ESCAPE = 6;
const LONGEST_NUMBER = String(Number.MAX_SAFE_INTEGER).length;

/** What JSON makes of a byte, where it is not the byte itself. */
const escapes = Array.from({ length: BACKSLASH + 1 }, (_, byte) => {
  const made = Buffer.from(JSON.stringify(String.fromCharCode(byte)).slice(1, -1));
  return made.length === 1 ? undefined : made;
});

/**
 * The JSON of a batch's lines, one after the other, made from their bytes: what `JSON.stringify`
 * makes of `linesOf`. A flood has a hundred thousand lines in a second, of each of which a string
 * would be three objects and two copies.
 */
export class BatchJson {
  private readonly bytes: Buffer;
  private readonly escapes: EscapeSearch;
  /** What all lines of the batch have between their number and their text. */
  private readonly shared: Uint8Array;
  private readonly endSeq: number;
  private readonly continues: boolean;
  private position = 0;
  private nextSeq: number;

  constructor({ firstSeq, count, ts, stream, stage, step, attempt, bytes, continues }: LogBatch) {
    this.bytes = isUtf8(bytes) ? bytes : Buffer.from(bytes.toString('utf8'));
    this.escapes = new EscapeSearch(this.bytes);
    const source = JSON.stringify({ ts: new Date(ts).toISOString(), stream, stage, step, attempt });
    this.shared = Buffer.from(`,${source.slice(1, -1)},"text":"`);
    this.nextSeq = firstSeq;
    this.endSeq = firstSeq + count;
    this.continues = continues === true;
  }

  get hasNext(): boolean {
    return this.nextSeq < this.endSeq;
  }

  /** Number of the next line. */
  get seq(): number {
    return this.nextSeq;
  }

  /** Writes the next line, which there must be, behind what `memory` has. */
  writeTo(memory: GrowingMemory): void {
    const from = this.position;
    const to = this.bytes.indexOf(LINE_FEED, from);
    const hasEscapes = this.escapes.finds(from, to);
    const around = START.length + LONGEST_NUMBER + this.shared.length + CONTINUES.length;
    memory.makeRoom(around + (to - from) * (hasEscapes ? LONGEST_ESCAPE : 1));
    const out = memory.bytes;
    let at = memory.length;
    out.set(START, at);
    at = writeNumber(this.nextSeq, out, at + START.length);
    out.set(this.shared, at);
    at += this.shared.length;
    const text = this.bytes.subarray(from, to);
    if (hasEscapes) {
      at = writeEscaped(text, out, at);
    } else {
      out.set(text, at);
      at += text.length;
    }
    this.position = to + 1;
    this.nextSeq++;
    const end = this.continues && !this.hasNext ? CONTINUES : END;
    out.set(end, at);
    memory.length = at + end.length;
  }
}

/** @returns the place behind what was written, as all of these */
function writeNumber(value: number, out: Uint8Array, at: number): number {
  let end = at + 1;
  for (let limit = 10; value >= limit; limit *= 10) end++;
  for (let place = end - 1, rest = value; place >= at; place--) {
    const tenth = Math.floor(rest / 10);
    out[place] = ZERO + (rest - tenth * 10);
    rest = tenth;
  }
  return end;
}

function writeEscaped(text: Uint8Array, out: Uint8Array, at: number): number {
  let place = at;
  for (const byte of text) {
    if (!isEscaped(byte)) {
      out[place++] = byte;
      continue;
    }
    const escape = escapes[byte] as Uint8Array;
    out.set(escape, place);
    place += escape.length;
  }
  return place;
}

function isEscaped(byte: number): boolean {
  return byte < FIRST_PRINTABLE || byte === QUOTE || byte === BACKSLASH;
}

/** Tells of parts of one memory whether JSON escapes any byte there, four bytes at a time. */
class EscapeSearch {
  private readonly view: WordView;

  constructor(private readonly bytes: Buffer) {
    this.view = wordView(bytes);
  }

  finds(from: number, to: number): boolean {
    const { bytes } = this;
    const { words, offset } = this.view;
    const firstWord = Math.ceil((from - offset) / WORD_BYTES);
    const endWord = Math.floor((to - offset) / WORD_BYTES);
    if (endWord <= firstWord) return hasEscaped(bytes, from, to);
    let found = 0;
    for (let index = firstWord; index < endWord; index++) {
      const word = words[index] as number;
      // Of each of the three, the highest bit of a byte stays where the byte is a control
      // character, or zero, as it is where a quote or a backslash was.
      const quote = word ^ FOUR_QUOTES;
      const backslash = word ^ FOUR_BACKSLASHES;
      found |=
        ((word - FOUR_PRINTABLES) & ~word) |
        ((quote - FOUR_ONES) & ~quote) |
        ((backslash - FOUR_ONES) & ~backslash);
    }
    return (
      (found & HIGHEST_BITS) !== 0 ||
      hasEscaped(bytes, from, offset + firstWord * WORD_BYTES) ||
      hasEscaped(bytes, offset + endWord * WORD_BYTES, to)
    );
  }
}

function hasEscaped(bytes: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index++) {
    if (isEscaped(bytes[index] as number)) return true;
  }
  return false;
}
