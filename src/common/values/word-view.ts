export const WORD_BYTES = 4;

/** A part of some bytes as words of four bytes, which are looked at at once. */
export interface WordView {
  readonly words: Int32Array;
  /** Bytes before the first word; fewer than a word may follow the last one, too. */
  readonly offset: number;
}

/** The words begin where memory is aligned to them. */
export function wordView(bytes: Buffer): WordView {
  const unaligned = (WORD_BYTES - (bytes.byteOffset % WORD_BYTES)) % WORD_BYTES;
  const offset = Math.min(unaligned, bytes.length);
  const count = Math.floor((bytes.length - offset) / WORD_BYTES);
  // No word may begin at another place, not even none.
  const start = count === 0 ? 0 : bytes.byteOffset + offset;
  return { words: new Int32Array(bytes.buffer, start, count), offset };
}
