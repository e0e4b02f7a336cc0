import type { Reader } from '../api/answer-shape.js';
import type { ApiClient } from '../api/api-client.js';
import { type ListOf, page } from '../api/wire-readers.js';

const PAGE = 200;
/** Pages; beyond, a server that never ends its list would be asked for ever. */
const MAX_PAGES = 50;

/** What a route lists, in its order and page by page: at most 10,000, or so many pages of 200. */
export async function* allListed<T>(
  api: Pick<ApiClient, 'get'>,
  path: string,
  reader: Reader<T>,
  pages = MAX_PAGES,
): AsyncGenerator<T> {
  let cursor = '';
  for (let number = 1; number <= pages; number++) {
    const { items, next_cursor: next }: ListOf<T> = await api.get(
      `${path}?limit=${PAGE}${cursor}`,
      page(reader, PAGE),
    );
    yield* items;
    if (next === null) return;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}
