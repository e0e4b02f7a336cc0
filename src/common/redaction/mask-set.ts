import { maskForms } from './mask-forms.js';
import { PatternSearch } from './pattern-search.js';

/** What stands in place of a secret. */
export const MASK_REPLACEMENT = '***';

/**
 * The secrets of one execution, in every form in which they may be printed (`mask-forms.ts`).
 * Immutable.
 *
 * Meaning of masking, for a text and for a stream at any cut: all occurrences of all forms are
 * found, overlapping ones are joined, and each joined range is replaced by `***`. No form contains
 * CR or LF, so no mask crosses a line.
 */
export class MaskSet {
  private constructor(readonly search: PatternSearch) {}

  static readonly empty = MaskSet.from([]);

  /**
   * Values of less than 4 bytes, and such lines of a value, are not masked (they are refused when a
   * secret is saved).
   */
  static from(values: readonly string[]): MaskSet {
    const forms = new Map<string, Buffer>();
    for (const value of values) {
      for (const form of maskForms(value)) forms.set(form.toString('latin1'), form);
    }
    return new MaskSet(new PatternSearch([...forms.values()]));
  }

  /** Number of forms searched for. */
  get size(): number {
    return this.search.count;
  }

  /** Longest form in bytes; 0 without secrets. A stream holds back less than this. */
  get longest(): number {
    return this.search.longest;
  }

  maskText(text: string): string {
    if (this.size === 0) return text;
    const bytes = Buffer.from(text);
    const output: string[] = [];
    let position = 0;
    for (const range of joined(this.search.findAll(bytes))) {
      output.push(bytes.toString('utf8', position, range.start), MASK_REPLACEMENT);
      position = range.end;
    }
    if (position === 0) return text;
    output.push(bytes.toString('utf8', position));
    return output.join('');
  }
}

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** Joins ranges that share a byte; `ranges` are in the order of their starts. */
function joined(ranges: readonly ByteRange[]): ByteRange[] {
  const result: { start: number; end: number }[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last !== undefined && range.start < last.end) last.end = Math.max(last.end, range.end);
    else result.push({ start: range.start, end: range.end });
  }
  return result;
}
