import { isUuid } from '../../common/ids/uuid.js';
import type { ApiClient } from '../api-client.js';
import { CommandError } from '../command.error.js';
import { exitCodes } from '../exit-codes.js';
import { cleanText } from '../clean-text.js';
import type { ListOf, PipelineSummary } from './wire-types.js';

const PAGE = 200;
const MAX_PAGES = 50;
const SHOWN = 10;

/** The id of the pipeline that somebody names by id, by the beginning of one id only, or by its name. @throws CommandError */
export async function findPipeline(api: ApiClient, reference: string): Promise<string> {
  if (isUuid(reference)) return reference.toLowerCase();
  const matches: PipelineSummary[] = [];
  for await (const pipeline of allPipelines(api)) {
    if (isMeant(pipeline, reference)) matches.push(pipeline);
  }
  const [only] = matches;
  if (only && matches.length === 1) return only.id;
  throw only ? ambiguous(reference, matches) : unknown(reference);
}

/** Newest first, at most 10,000. */
export async function* allPipelines(api: ApiClient): AsyncGenerator<PipelineSummary> {
  let cursor = '';
  for (let page = 0; page < MAX_PAGES; page++) {
    const { items, next_cursor } = await api.get<ListOf<PipelineSummary>>(
      `/api/ci/pipelines?limit=${PAGE}${cursor}`,
    );
    yield* items;
    if (next_cursor === null) return;
    cursor = `&cursor=${encodeURIComponent(next_cursor)}`;
  }
}

function isMeant({ id, name }: PipelineSummary, reference: string): boolean {
  return name === reference || id.startsWith(reference.toLowerCase());
}

function unknown(reference: string): CommandError {
  return new CommandError(`There is no pipeline "${cleanText(reference)}".`, exitCodes.notFound, [
    'See what there is: ./millrace pipelines',
  ]);
}

function ambiguous(reference: string, matches: readonly PipelineSummary[]): CommandError {
  const lines = matches.slice(0, SHOWN).map(({ id, name }) => `  ${id}  ${cleanText(name)}`);
  const more = matches.length > SHOWN ? [`  and ${matches.length - SHOWN} more`] : [];
  return new CommandError(
    `"${cleanText(reference)}" may be any of ${matches.length} pipelines.`,
    exitCodes.usage,
    ['Name one by its id:', ...lines, ...more],
  );
}
