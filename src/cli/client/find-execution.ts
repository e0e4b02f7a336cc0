import { isUuid } from '../../common/ids/uuid.js';
import type { ApiClient } from '../api/api-client.js';
import { executionSummary, page } from '../api/wire-readers.js';
import type { ExecutionSummary, ListOf } from '../api/wire-types.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';

const PAGE = 200;
const MAX_PAGES = 5;
const SHOWN = 10;

/**
 * The id of the execution that somebody names by id, by the beginning of one id only (among the
 * newest 1,000), or by `last` or `@` for the newest. @throws CommandError
 */
export async function findExecution(api: ApiClient, reference: string): Promise<string> {
  if (isUuid(reference)) return reference.toLowerCase();
  if (reference === 'last' || reference === '@') return newest(api);
  if (!/^[0-9a-f-]{1,36}$/i.test(reference)) throw unknown(reference);
  return byBeginning(api, reference.toLowerCase());
}

async function newest(api: ApiClient): Promise<string> {
  const { items } = await api.get('/api/ci/executions?limit=1', page(executionSummary, 1));
  if (items[0]) return items[0].id;
  throw new CommandError('There is no execution yet.', exitCodes.notFound, [
    'Start one: ./millrace trigger PIPELINE',
  ]);
}

async function byBeginning(api: ApiClient, beginning: string): Promise<string> {
  const matches: ExecutionSummary[] = [];
  let cursor = '';
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const found: ListOf<ExecutionSummary> = await api.get(
      `/api/ci/executions?limit=${PAGE}${cursor}`,
      page(executionSummary, PAGE),
    );
    const { items, next_cursor } = found;
    matches.push(...items.filter(({ id }) => id.startsWith(beginning)));
    if (next_cursor === null) break;
    cursor = `&cursor=${encodeURIComponent(next_cursor)}`;
  }
  const [only] = matches;
  if (only && matches.length === 1) return only.id;
  throw only ? ambiguous(beginning, matches) : unknown(beginning);
}

function unknown(reference: string): CommandError {
  return new CommandError(
    `There is no recent execution "${cleanText(reference)}".`,
    exitCodes.notFound,
    ['See what there is: ./millrace status. Older ones are named by their whole id.'],
  );
}

function ambiguous(beginning: string, matches: readonly ExecutionSummary[]): CommandError {
  const lines = matches
    .slice(0, SHOWN)
    .map(({ id, pipeline_name, status }) => `  ${id}  ${cleanText(pipeline_name)}  ${status}`);
  const more = matches.length > SHOWN ? [`  and ${matches.length - SHOWN} more`] : [];
  return new CommandError(
    `"${beginning}" may be any of ${matches.length} executions.`,
    exitCodes.usage,
    ['Name one by its id:', ...lines, ...more],
  );
}
