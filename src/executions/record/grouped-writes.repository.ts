import { type Collection, mongo } from 'mongoose';
import { GroupedCall, type Outcome } from '../../integrations/database/grouped-call.js';
import type { MoveFilter } from './execution-moves.js';
import type { StoredExecution } from './sealed-execution.js';

/** A move of one execution, and what it writes. */
export interface MoveWrite {
  readonly filter: MoveFilter;
  readonly update: mongo.UpdateFilter<StoredExecution>;
}

/**
 * Whether an execution made its move. `unsure`: fewer did than were told to, and the database does
 * not say which.
 */
export type MoveWritten = 'moved' | 'not_moved' | 'unsure';

/** Not in their order: one that is refused holds back none of the others. */
const OPTIONS = { ordered: false, ignoreUndefined: true } as const;

/** Inserts executions; an id or a number that is taken is told to its own caller only. */
export function groupedInserts(
  collection: Collection<StoredExecution>,
): GroupedCall<StoredExecution, undefined> {
  return new GroupedCall(async (documents) => {
    const { refused } = await refusedApart(() => collection.insertMany([...documents], OPTIONS));
    return documents.map((_document, index) => refused.get(index) ?? { result: undefined });
  });
}

/** Moves executions, each by its own filter. */
export function groupedMoves(
  collection: Collection<StoredExecution>,
): GroupedCall<MoveWrite, MoveWritten> {
  return new GroupedCall(
    async (moves) => {
      const { matchedCount, refused } = await refusedApart(() =>
        collection.bulkWrite(
          moves.map((move) => ({ updateOne: move })),
          OPTIONS,
        ),
      );
      const result = movedOf(matchedCount, moves.length - refused.size);
      return moves.map((_move, index): Outcome<MoveWritten> => refused.get(index) ?? { result });
    },
    // Of two moves of one execution only one is made, and `unsure` would be both.
    { keyOf: ({ filter }) => filter._id },
  );
}

/** @param wanted those that were not refused with an error */
function movedOf(matched: number, wanted: number): MoveWritten {
  if (matched === wanted) return 'moved';
  return matched === 0 ? 'not_moved' : 'unsure';
}

/** Those that were refused, each with its error. @throws what holds for the whole write */
async function refusedApart(
  write: () => Promise<object>,
): Promise<{ matchedCount: number; refused: Map<number, { error: Error }> }> {
  try {
    return { matchedCount: matchedOf(await write()), refused: new Map() };
  } catch (error) {
    if (!(error instanceof mongo.MongoBulkWriteError)) throw error;
    const all = [error.writeErrors].flat();
    // The whole of it failed, by no fault of one of them.
    if (all.length === 0) throw error;
    const refused = new Map(
      all.map(({ index, code, errmsg }) => [
        index,
        { error: Object.assign(new Error(errmsg), { code }) },
      ]),
    );
    return { matchedCount: error.result.matchedCount, refused };
  }
}

/** 0 of a write that matches nothing by its kind. */
function matchedOf(result: object): number {
  return 'matchedCount' in result && typeof result.matchedCount === 'number'
    ? result.matchedCount
    : 0;
}
