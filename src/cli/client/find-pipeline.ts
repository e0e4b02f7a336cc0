import { isUuid } from '../../common/ids/uuid.js';
import type { ApiClient } from '../api/api-client.js';
import { type ListOf, page, pipelineSummary, type PipelineSummary } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';

const PAGE = 200;
const MAX_PAGES = 50;
const SHOWN = 10;

/**
 * The id of the pipeline that somebody names by id, by the beginning of one id only, or by its
 * name. @throws CommandError
 */
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
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const found: ListOf<PipelineSummary> = await api.get(
      `/api/ci/pipelines?limit=${PAGE}${cursor}`,
      page(pipelineSummary, PAGE),
    );
    yield* found.items;
    if (found.next_cursor === null) return;
    cursor = `&cursor=${encodeURIComponent(found.next_cursor)}`;
  }
}

/** Names are compared as they are shown. */
function isMeant({ id, name }: PipelineSummary, reference: string): boolean {
  return name === cleanText(reference) || id.startsWith(reference.toLowerCase());
}

/** All of this very name, newest first. */
export async function pipelinesNamed(api: ApiClient, name: string): Promise<PipelineSummary[]> {
  const found: PipelineSummary[] = [];
  for await (const pipeline of allPipelines(api)) {
    if (pipeline.name === name) found.push(pipeline);
  }
  return found;
}

/** One line for each, for a message. */
export function pipelineLines(pipelines: readonly PipelineSummary[]): string[] {
  const lines = pipelines.slice(0, SHOWN).map(({ id, name }) => `  ${id}  ${name}`);
  const more = pipelines.length - lines.length;
  return more > 0 ? [...lines, `  and ${more} more`] : lines;
}

function unknown(reference: string): CommandError {
  return new CommandError(`There is no pipeline "${cleanText(reference)}".`, exitCodes.notFound, [
    'See what there is: ./millrace pipelines',
  ]);
}

function ambiguous(reference: string, matches: readonly PipelineSummary[]): CommandError {
  return new CommandError(
    `"${cleanText(reference)}" may be any of ${matches.length} pipelines.`,
    exitCodes.usage,
    ['Name one by its id:', ...pipelineLines(matches)],
  );
}
