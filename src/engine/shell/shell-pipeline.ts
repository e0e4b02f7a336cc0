import type { Place } from './shell-tree.js';

/**
 * The expressions of a pipeline while it is read: what flows into a command that reads code is code
 * itself.
 */
export class ShellPipeline {
  readonly expressions: number[] = [];
  readsCode = false;

  constructor(
    readonly parent: ShellPipeline | undefined,
    private readonly places: Map<number, Place>,
  ) {}

  add(number: number, place: Place): void {
    this.places.set(number, this.codeReader() ? orCode(place) : place);
    this.note(number);
  }

  /** A command of it reads its input as code. */
  intoCode(): void {
    if (this.readsCode) return;
    this.readsCode = true;
    for (const number of this.expressions) {
      this.places.set(number, orCode(this.places.get(number)));
    }
  }

  private note(number: number): void {
    this.expressions.push(number);
    this.parent?.note(number);
  }

  private codeReader(): boolean {
    return this.readsCode || (this.parent?.codeReader() ?? false);
  }
}

/** What is refused for a reason of its own keeps it. */
function orCode(place: Place | undefined): Place {
  return place?.kind === 'refused' && place.stored === undefined ? place : INTO_CODE;
}

const INTO_CODE: Place = { kind: 'refused', why: { kind: 'code', program: 'the end of the pipe' } };
