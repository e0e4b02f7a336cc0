import { isUuid } from '../../common/ids/uuid.js';
import type { ApiClient } from '../api/api-client.js';
import { executionSummary, type ExecutionSummary, type ListOf, page } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import { notRecent, onlyMatch, type RecentKind } from './recent-reference.js';

const PAGE = 200;
const MAX_PAGES = 5;
const EXECUTION: RecentKind<ExecutionSummary> = {
  singular: 'execution',
  plural: 'executions',
  listedBy: 'See what there is: ./millrace status',
  line: ({ id, pipeline_name, status }) => `${id}  ${cleanText(pipeline_name)}  ${status}`,
};

/** The query of those among which the newest is meant; empty: all. */
export type Among = ReadonlyMap<string, string>;

/** True for a word that stands for the newest execution. */
export function isNewest(reference: string): boolean {
  return reference === 'last' || reference === '@';
}

/**
 * The id of the execution that somebody names by id, by pipeline and number (`shop#42`), by the
 * beginning of one id only (among the newest 1,000), or by `last` or `@` for the newest.
 * @throws CommandError
 */
export async function findExecution(
  api: ApiClient,
  reference: string,
  among: Among = new Map(),
): Promise<string> {
  if (isUuid(reference)) return reference.toLowerCase();
  if (isNewest(reference)) return newest(api, among);
  if (/#\d+$/.test(reference)) return numbered(api, reference);
  if (!/^[0-9a-f-]{1,36}$/i.test(reference)) throw notRecent(EXECUTION, reference);
  return byBeginning(api, reference.toLowerCase());
}

async function newest(api: ApiClient, among: Among): Promise<string> {
  const query = new URLSearchParams([['limit', '1'], ...among]);
  const path = `/api/ci/executions?${query.toString()}`;
  const { items } = await api.get(path, page(executionSummary, 1));
  if (items[0]) return items[0].id;
  const message = among.size === 0 ? 'There is no execution yet.' : 'There is no such execution.';
  throw new CommandError(message, exitCodes.notFound, ['Start one: ./millrace trigger PIPELINE']);
}

async function numbered(api: ApiClient, reference: string): Promise<string> {
  const path = `/api/ci/executions/${encodeURIComponent(reference)}`;
  return (await api.get(path, executionSummary)).id;
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
  return onlyMatch(EXECUTION, beginning, matches).id;
}
