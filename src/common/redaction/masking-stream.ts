import { MASK_REPLACEMENT } from '../values/mask-replacement.js';
import type { MaskSet } from './mask-set.js';

const LINE_FEED = 0x0a;
const replacement = Buffer.from(MASK_REPLACEMENT);

/**
 * Masks a stream of bytes: the pieces that come out, joined, are what masking the whole stream at
 * once would give, wherever it was cut. Bytes are held back only while a mask may be growing at the
 * end of what has come; fewer than {@link MaskSet.longest}, and never across a line feed. Not for
 * concurrent use: one object for each stream.
 *
 * When the set grows, a new mask counts wherever it begins in bytes that are held back or that come
 * later.
 *
 * Pieces may share memory with what was pushed, and are good as long as that is; what is held
 * back is a copy.
 */
export class MaskingStream {
  /** The end of what has come, in which a mask may be growing. */
  private held: Buffer = Buffer.alloc(0);
  /** How many bytes at the start of `held` belong to a mask whose `***` is out already. */
  private heldMasked = 0;

  constructor(private readonly masks: MaskSet) {}

  /** Number of bytes held back. */
  get heldBytes(): number {
    return this.held.length;
  }

  push(chunk: Buffer): Buffer[] {
    if (this.masks.size === 0) return chunk.length === 0 ? [] : [chunk];
    const bytes = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    return this.emit(bytes, this.masks.search.growingFrom(bytes, LINE_FEED));
  }

  /** The rest, at the end of the stream: nothing can be growing any more. */
  flush(): Buffer[] {
    return this.emit(this.held, this.held.length);
  }

  /**
   * Everything before `limit`; every mask that begins there is wholly in `bytes`, though it may end
   * behind `limit`.
   */
  private emit(bytes: Buffer, limit: number): Buffer[] {
    const pieces: Buffer[] = [];
    let position = this.heldMasked;
    let maskedTo = this.heldMasked;
    for (const { start, end } of this.masks.search.findAll(bytes)) {
      if (start >= limit) break;
      if (start >= maskedTo) {
        if (start > position) pieces.push(bytes.subarray(position, start));
        pieces.push(replacement);
      }
      maskedTo = Math.max(maskedTo, end);
      position = maskedTo;
    }
    if (position < limit) pieces.push(bytes.subarray(position, limit));
    this.heldMasked = Math.max(0, maskedTo - limit);
    this.held = limit === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(limit));
    return pieces;
  }
}
