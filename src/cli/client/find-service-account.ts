import { isUuid } from '../../common/ids/uuid.js';
import type { ApiClient } from '../api/api-client.js';
import { type ListOf, page, serviceAccount, type ServiceAccount } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';

const PAGE = 200;
const MAX_PAGES = 50;

/** The id of the service account of a name or id; names are unique. @throws CommandError */
export async function findServiceAccount(api: ApiClient, reference: string): Promise<string> {
  if (isUuid(reference)) return reference.toLowerCase();
  let cursor = '';
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const { items, next_cursor }: ListOf<ServiceAccount> = await api.get(
      `/api/service-accounts?limit=${PAGE}${cursor}`,
      page(serviceAccount, PAGE),
    );
    const found = items.find(({ name }) => name === reference);
    if (found) return found.id;
    if (next_cursor === null) break;
    cursor = `&cursor=${encodeURIComponent(next_cursor)}`;
  }
  throw new CommandError(
    `There is no service account "${cleanText(reference)}".`,
    exitCodes.notFound,
    ['See what there is: ./millrace service-accounts'],
  );
}
