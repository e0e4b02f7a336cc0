import { cutText } from '../values/cut-text.js';
import { MASK_REPLACEMENT } from '../values/mask-replacement.js';
import { maskForms } from './mask-forms.js';
import { PatternSearch } from './pattern-search.js';

/**
 * The secrets of one execution attempt, in every form in which they may be printed
 * (`mask-forms.ts`). Everything that is published of the attempt goes through the one set: log
 * lines, outputs, reasons, traces, spans.
 *
 * Meaning of masking, for a text and for a stream at any cut: all occurrences of all forms are
 * found, overlapping ones are joined, and each joined range is replaced by `***`. No form contains
 * CR or LF, so no mask crosses a line.
 *
 * The set can grow while streams are open. What begins in bytes that a stream has handed on already
 * is not recalled; everything else is masked from then on.
 */
export class MaskSet {
  private readonly forms = new Map<string, Buffer>();
  private current = new PatternSearch([]);
  private grown = false;
  private readonly values = new Set<string>();

  /**
   * Values of less than 4 bytes, and such lines of a value, are not masked (they are refused when a
   * secret is saved).
   */
  static from(values: readonly string[]): MaskSet {
    const masks = new MaskSet();
    masks.take(values);
    return masks;
  }

  private constructor() {}

  /** Masks these too, from now on; as in {@link MaskSet.from}. */
  add(values: readonly string[]): void {
    if (!this.take(values)) return;
    this.grown = true;
  }

  /** What it masks, as it is: whoever continues the run adds it. Secrets may change meanwhile. */
  get all(): readonly string[] {
    return [...this.values];
  }

  /** True: it masks more than at first, so what was masked before may show what it now hides. */
  get hasGrown(): boolean {
    return this.grown;
  }

  /** Finds the forms; another object as soon as the set has grown. */
  get search(): PatternSearch {
    return this.current;
  }

  /** Number of forms searched for. */
  get size(): number {
    return this.current.count;
  }

  /** Longest form in bytes; 0 without secrets. A stream holds back less than this. */
  get longest(): number {
    return this.current.longest;
  }

  maskText(text: string): string {
    return this.size === 0 ? text : this.maskedStart(text, text);
  }

  /**
   * The text with at most `limit` UTF-16 units, masked; `…` at its end where it was longer. What
   * begins before the cut is masked whole, so no part of a secret is left there. Costs by the
   * limit, not by the text.
   */
  cutText(text: string, limit: number): string {
    if (this.size === 0) return cutText(text, limit);
    if (text.length <= limit) return this.maskText(text);
    const start = cutText(text, limit).slice(0, -1);
    return `${this.maskedStart(text.slice(0, limit + this.longest), start)}…`;
  }

  /** `start`, which `text` begins with, as it is in the masked text. */
  private maskedStart(text: string, start: string): string {
    const bytes = Buffer.from(text);
    const end = text === start ? bytes.length : Buffer.byteLength(start);
    const output: string[] = [];
    let position = 0;
    for (const range of joined(this.search.findAll(bytes))) {
      if (range.start >= end) break;
      output.push(bytes.toString('utf8', position, range.start), MASK_REPLACEMENT);
      position = range.end;
    }
    if (position === 0) return start;
    if (position < end) output.push(bytes.toString('utf8', position, end));
    return output.join('');
  }

  /** False: there is nothing new among them. */
  private take(values: readonly string[]): boolean {
    const before = this.forms.size;
    for (const value of values) {
      for (const form of maskForms(value)) this.forms.set(form.toString('latin1'), form);
    }
    if (this.forms.size === before) return false;
    for (const value of values) this.values.add(value);
    this.current = new PatternSearch([...this.forms.values()]);
    return true;
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
