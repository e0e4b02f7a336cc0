import type { Reader } from '../api/answer-shape.js';
import { page } from '../api/wire-readers.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import { type Column, renderTable } from '../terminal/text-table.js';
import type { ClientFlags, Session } from './session.js';

/** Flags of a list that comes in pages. */
export interface PageFlags extends ClientFlags {
  readonly limit: number;
  readonly cursor?: string;
}

export interface ListedPage<T> {
  readonly path: string;
  /** Beside `limit` and `cursor`; what is undefined is left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly reader: Reader<T>;
  /** Said where there is none. */
  readonly none: string;
  readonly columns: readonly Column<T>[];
}

/**
 * Prints one page of a list: a table, or the JSON of the server. Ids may be short only where those
 * above them in the list are all there: on the first page of all.
 */
export async function printPage<T>(
  session: Session,
  { limit, cursor }: Pick<PageFlags, 'limit' | 'cursor'>,
  { path, query = {}, reader, none, columns }: ListedPage<T>,
): Promise<number> {
  const { terminal } = session;
  const asked = new URLSearchParams({ limit: String(limit) });
  for (const [name, value] of Object.entries({ ...query, cursor })) {
    if (value !== undefined) asked.set(name, value);
  }
  const request = { method: 'GET', path: `${path}?${asked.toString()}` };
  const { value, json } = await session.api.read(request, page(reader, limit));
  if (session.json) {
    session.printJson(json);
    return exitCodes.success;
  }
  if (value.items.length === 0) terminal.say(none);
  else {
    const isAll = cursor === undefined && Object.values(query).every((each) => each === undefined);
    terminal.print(renderTable(value.items, isAll ? columns : columns.map(withWholeIds), terminal));
  }
  if (value.next_cursor !== null) {
    terminal.say(`More: --cursor ${cleanText(value.next_cursor)}`);
  }
  return exitCodes.success;
}

/**
 * Of some of a list: a beginning that is the only one there may be one of several in all of it, or
 * be of something older than what is looked through.
 */
function withWholeIds<T>(column: Column<T>): Column<T> {
  return column.narrow === 'id' ? { ...column, narrow: 'whole-id' } : column;
}
