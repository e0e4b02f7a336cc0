import { ShellPipeline } from './shell-pipeline.js';
import { expressionsOf, type Place, type Quote, type Refusal, type Word } from './shell-tree.js';
import { MARK } from './shell-words.js';

/**
 * What is decided about the expressions of a text while it is read. It is final when the outermost
 * pipeline round them was read: only then is it known what they flow into.
 */
export class ExpressionNotes {
  /** By the number of the expression; what is not in it was not understood. */
  readonly decided = new Map<number, Place>();
  private readonly places = new Map<number, Place>();
  private readonly numbers = new Map<number, number>();
  private pipeline: ShellPipeline | undefined;
  /** Of `$(…)`. */
  private depth = 0;

  constructor(text: string) {
    for (let at = text.indexOf(MARK); at >= 0; at = text.indexOf(MARK, at + 1)) {
      this.numbers.set(at, this.numbers.size);
    }
  }

  get isInSubstitution(): boolean {
    return this.depth > 0;
  }

  get currentPipeline(): ShellPipeline | undefined {
    return this.pipeline;
  }

  numberAt(at: number): number {
    return this.numbers.get(at) ?? -1;
  }

  /** Numbers of the expressions of a part of the text. */
  between(start: number, end: number): number[] {
    const inside = [...this.numbers].filter(([at]) => at >= start && at < end);
    return inside.map(([, number]) => number);
  }

  note(number: number, place: Place): void {
    if (this.pipeline !== undefined) return this.pipeline.add(number, place);
    this.places.set(number, place);
    if (this.depth === 0) this.settle(number);
  }

  /** Of a here-document, which belongs to the pipeline that announced it. */
  noteFor(pipeline: ShellPipeline, number: number, place: Place): void {
    pipeline.add(number, place);
    if (this.pipeline === undefined) this.settle(number);
  }

  /** By the pieces of a word, unless they are refused for the whole word. */
  accept({ pieces }: Word, refusals?: ReadonlyMap<number, Refusal>): void {
    const noteOne = (number: number, place: Place): void => {
      const why = refusals?.get(number);
      this.note(number, why === undefined ? place : refused(why));
    };
    for (const piece of pieces) {
      if (piece.kind === 'expression') noteOne(piece.number, placeOf(piece.quote));
      if (piece.kind !== 'substitution') continue;
      for (const number of piece.expressions) noteOne(number, this.substituted(number));
    }
  }

  refuse(word: Word, why: Refusal): void {
    for (const number of expressionsOf(word)) this.note(number, refused(why));
  }

  /** The command that was read takes what flows into it as code. */
  intoCode(): void {
    this.pipeline?.intoCode();
  }

  inPipeline(read: () => void): void {
    const outer = this.pipeline;
    const pipeline = new ShellPipeline(outer, this.places);
    this.pipeline = pipeline;
    read();
    this.pipeline = outer;
    if (outer !== undefined || this.depth > 0) return;
    for (const number of pipeline.expressions) this.settle(number);
  }

  inSubstitution(read: () => void): void {
    const outer = this.pipeline;
    this.pipeline = undefined;
    this.depth += 1;
    read();
    this.depth -= 1;
    this.pipeline = outer;
  }

  private substituted(number: number): Place {
    const inner = this.places.get(number);
    if (inner?.kind !== 'word') return inner ?? refused({ kind: 'substitution' });
    return { kind: 'refused', why: { kind: 'substitution' }, stored: 'expanded' };
  }

  private settle(number: number): void {
    const place = this.places.get(number);
    if (place !== undefined) this.decided.set(number, place);
  }
}

export function refused(why: Refusal): Place {
  return { kind: 'refused', why };
}

function placeOf(quote: Quote): Place {
  if (quote !== 'single') return { kind: 'word' };
  return { kind: 'refused', why: { kind: 'single_quotes' }, stored: 'single_quoted' };
}
