import { isUuid } from '../../common/ids/uuid.js';
import type { Reader } from '../api/answer-shape.js';
import type { ApiClient } from '../api/api-client.js';
import { allListed } from './all-listed.js';
import { isBeginning, LEAST_BEGINNING } from './id-beginning.js';
import { notRecent, onlyMatch, type RecentKind, tooShort } from './recent-reference.js';

/** Pages of 200. */
const PAGES = 5;

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
  // That of a cache is longer than a UUID.
  if (!/^[0-9a-f-]{1,100}$/.test(beginning)) throw notRecent(kind, reference);
  if (beginning.length < LEAST_BEGINNING) throw tooShort(kind, reference);
  const matches: T[] = [];
  for await (const each of allListed(api, path, reader, PAGES)) {
    if (isBeginning(idOf(each), beginning)) matches.push(each);
  }
  return idOf(onlyMatch(kind, reference, matches));
}
