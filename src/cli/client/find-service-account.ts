import { isUuid } from '../../common/ids/uuid.js';
import type { ApiClient } from '../api/api-client.js';
import { serviceAccount, type ServiceAccount } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import { allListed } from './all-listed.js';
import { isBeginning } from './id-beginning.js';
import { onlyMatch } from './recent-reference.js';

const LISTED_BY = 'See what there is: ./millrace service-accounts';
const SERVICE_ACCOUNT = {
  singular: 'service account',
  plural: 'service accounts',
  listedBy: LISTED_BY,
  line: ({ id, name }: ServiceAccount): string => `${id}  ${cleanText(name)}`,
};

/**
 * The id of the service account that somebody names by its name, which is unique, by its id, or by
 * the beginning of one id only. @throws CommandError
 */
export async function findServiceAccount(api: ApiClient, reference: string): Promise<string> {
  if (isUuid(reference)) return reference.toLowerCase();
  const matches: ServiceAccount[] = [];
  for await (const each of allListed(api, '/api/service-accounts', serviceAccount)) {
    if (each.name === reference) return each.id;
    if (isBeginning(each.id, reference)) matches.push(each);
  }
  if (matches.length > 0) return onlyMatch(SERVICE_ACCOUNT, reference, matches).id;
  throw new CommandError(
    `There is no service account "${cleanText(reference)}".`,
    exitCodes.notFound,
    [LISTED_BY],
  );
}
