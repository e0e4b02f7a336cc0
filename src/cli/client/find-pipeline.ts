import { isUuid } from '../../common/ids/uuid.js';
import type { ApiClient } from '../api/api-client.js';
import { pipelineSummary, type PipelineSummary } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import { allListed } from './all-listed.js';
import { isBeginning } from './id-beginning.js';

const SHOWN = 10;
export const PIPELINES_LISTED = 'See what there is: ./millrace pipelines';

/**
 * The id of the pipeline that somebody names by id, by the beginning of one id only, or by its
 * name. @throws CommandError
 */
export async function findPipeline(api: ApiClient, reference: string): Promise<string> {
  const id = await findPipelineIfAny(api, reference);
  if (id === undefined) throw unknown(reference);
  return id;
}

/** As `findPipeline`; undefined where nothing has this name. @throws CommandError */
export async function findPipelineIfAny(
  api: ApiClient,
  reference: string,
): Promise<string | undefined> {
  if (isUuid(reference)) return reference.toLowerCase();
  const matches: PipelineSummary[] = [];
  for await (const pipeline of allPipelines(api)) {
    if (isMeant(pipeline, reference)) matches.push(pipeline);
  }
  if (matches.length > 1) throw ambiguous(reference, matches);
  return matches[0]?.id;
}

/** Newest first, at most 10,000. */
function allPipelines(api: ApiClient): AsyncGenerator<PipelineSummary> {
  return allListed(api, '/api/ci/pipelines', pipelineSummary);
}

/** Names are compared as they are shown. */
function isMeant({ id, name }: PipelineSummary, reference: string): boolean {
  return name === cleanText(reference) || isBeginning(id, reference);
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
    PIPELINES_LISTED,
  ]);
}

function ambiguous(reference: string, matches: readonly PipelineSummary[]): CommandError {
  return new CommandError(
    `"${cleanText(reference)}" may be any of ${matches.length} pipelines.`,
    exitCodes.usage,
    ['Name one by its id:', ...pipelineLines(matches)],
  );
}
