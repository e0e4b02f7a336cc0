import { isUuid } from '../../common/ids/uuid.js';
import type { Reader } from '../api/answer-shape.js';
import type { ApiClient } from '../api/api-client.js';
import { type ListOf, page } from '../api/wire-readers.js';
import { notRecent, onlyMatch, type RecentKind } from './recent-reference.js';

const PAGE = 200;
const MAX_PAGES = 5;

/** A kind of thing that a route lists, newest first. */
export interface ListedKind<T> extends RecentKind<T> {
  /** Of the route, without a query. */
  readonly path: string;
  readonly reader: Reader<T>;
  readonly idOf: (each: T) => string;
}

/**
 * The whole id of what somebody names by its id, or by the beginning of one id only among the
 * newest 1,000. @throws CommandError
 */
export async function findListed<T>(
  api: ApiClient,
  kind: ListedKind<T>,
  reference: string,
): Promise<string> {
  const { path, reader, idOf } = kind;
  const beginning = reference.toLowerCase();
  if (isUuid(reference)) return beginning;
  if (!/^[0-9a-f-]{1,36}$/.test(beginning)) throw notRecent(kind, reference);
  const matches: T[] = [];
  let cursor = '';
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { items, next_cursor }: ListOf<T> = await api.get(
      `${path}?limit=${PAGE}${cursor}`,
      page(reader, PAGE),
    );
    matches.push(...items.filter((each) => idOf(each).startsWith(beginning)));
    if (next_cursor === null) break;
    cursor = `&cursor=${encodeURIComponent(next_cursor)}`;
  }
  return idOf(onlyMatch(kind, reference, matches));
}
