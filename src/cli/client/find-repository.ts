import { isUuid } from '../../common/ids/uuid.js';
import type { ApiClient } from '../api/api-client.js';
import { page, repository } from '../api/wire-readers.js';
import type { ListOf, Repository } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';

const PAGE = 200;
const MAX_PAGES = 50;

/** Fewer characters may be the beginning of a name, too. */
const BEGINNING = 8;

function isBeginning(id: string, text: string): boolean {
  return text.length >= BEGINNING && id.startsWith(text);
}

/**
 * The id of the connected repository that somebody names by its id, the beginning of one id only,
 * as `owner/name`, or by its URL.
 * @throws CommandError
 */
export async function findRepository(api: ApiClient, reference: string): Promise<string> {
  if (isUuid(reference)) return reference.toLowerCase();
  const name = reference.replace(/\.git$/, '').replace(/\/+$/, '');
  const found: Repository[] = [];
  let cursor = '';
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { items, next_cursor }: ListOf<Repository> = await api.get(
      `/api/repositories?limit=${PAGE}${cursor}`,
      page(repository, PAGE),
    );
    found.push(
      ...items.filter(
        ({ id, full_name, url }) =>
          full_name === name || url === name || isBeginning(id, reference.toLowerCase()),
      ),
    );
    if (next_cursor === null) break;
    cursor = `&cursor=${encodeURIComponent(next_cursor)}`;
  }
  const [only] = found;
  if (only && found.length === 1) return only.id;
  if (!only) {
    throw new CommandError(
      `No repository "${cleanText(reference)}" is connected.`,
      exitCodes.notFound,
      ['See those that are: ./millrace repositories'],
    );
  }
  throw new CommandError(
    `"${cleanText(reference)}" may be any of ${found.length} repositories.`,
    exitCodes.usage,
    [
      'Name one by its id or URL:',
      ...found.map(({ id, url }) => `  ${id}  ${cleanText(url)}`).slice(0, 10),
    ],
  );
}
