import { isUuid } from '../../common/ids/uuid.js';
import { redactUrls } from '../../common/values/redact-urls.js';
import type { ApiClient } from '../api/api-client.js';
import { type Repository, repository } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import { allListed } from './all-listed.js';
import { isBeginning } from './id-beginning.js';

/**
 * The id of the connected repository that somebody names by its id, the beginning of one id only,
 * as `owner/name`, or by its URL.
 * @throws CommandError
 */
export async function findRepository(api: ApiClient, reference: string): Promise<string> {
  if (isUuid(reference)) return reference.toLowerCase();
  const name = reference.replace(/\.git$/, '').replace(/\/+$/, '');
  const found: Repository[] = [];
  for await (const each of allListed(api, '/api/repositories', repository)) {
    const { id, full_name, url } = each;
    if (full_name === name || url === name || isBeginning(id, reference)) found.push(each);
  }
  const [only] = found;
  if (only && found.length === 1) return only.id;
  if (!only) {
    throw new CommandError(
      `No repository "${cleanText(redactUrls(reference))}" is connected.`,
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
