import { isUuid } from '../../common/ids/uuid.js';
import type { ApiClient } from '../api/api-client.js';
import { executionSummary, type ExecutionSummary, page } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import { findListed, type ListedKind } from './find-listed.js';

const EXECUTION: ListedKind<ExecutionSummary> = {
  path: '/api/ci/executions',
  reader: executionSummary,
  idOf: ({ id }) => id,
  singular: 'execution',
  plural: 'executions',
  listedBy: 'See what there is: ./millrace status, or status --pipeline NAME of one pipeline',
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
  return findListed(api, EXECUTION, reference);
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
