import type { ApiClient } from '../api/api-client.js';
import { RefusedError } from '../api/refusal.js';
import { page, pipelineSummary, repository, type Secret } from '../api/wire-readers.js';
import type { ListOf } from '../api/wire-readers.js';
import type { Reader } from '../api/answer-shape.js';

/** The newest of each kind are named, by one request. */
const PAGE = 200;

/**
 * The names of what secrets are of, by id. Whose name is missing is told by its id: it is an older
 * one, or its list may not be read.
 */
export async function ownerNames(
  api: Pick<ApiClient, 'get'>,
  secrets: readonly Pick<Secret, 'pipeline_id' | 'repository_id'>[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  if (secrets.some(({ pipeline_id }) => pipeline_id !== null)) {
    const pipelines = await readable(api, '/api/ci/pipelines', pipelineSummary);
    for (const { id, name } of pipelines) names.set(id, name);
  }
  if (secrets.some(({ repository_id }) => repository_id !== null)) {
    const repositories = await readable(api, '/api/repositories', repository);
    for (const { id, full_name: name } of repositories) names.set(id, name);
  }
  return names;
}

/** None where the caller may not read the list. */
async function readable<T>(
  api: Pick<ApiClient, 'get'>,
  path: string,
  reader: Reader<T>,
): Promise<readonly T[]> {
  try {
    const { items }: ListOf<T> = await api.get(`${path}?limit=${PAGE}`, page(reader, PAGE));
    return items;
  } catch (error) {
    if (error instanceof RefusedError && [403, 404].includes(error.status)) return [];
    throw error;
  }
}
