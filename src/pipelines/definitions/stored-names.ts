import { namedValues, recordOfNamed, type NameRecord } from '../../common/values/name-record.js';
import type { StageDocument } from '../../engine/definition/definition-document.js';
import type { PipelineDocument } from './pipeline.schema.js';

type Parts = Pick<PipelineDocument, 'environment' | 'stages'>;
type Records = (record: NameRecord<string>) => unknown;

/**
 * Of a pipeline what is stored: names of variables are values there, in lists of `{name, value}`.
 * As keys Mongoose would leave out `constructor` and `prototype`, and the driver would take
 * `_bsontype` for its own.
 */
export function toStore<T extends Parts>(pipeline: T): T {
  return withRecords(pipeline, namedValues);
}

/** The pipeline of a stored document; one of before, with records in it, is taken as it is. */
export function fromStore<T extends Parts>(document: T): T {
  return withRecords(document, recordOfNamed);
}

/** The type stays, because only these two know that the stored form differs. */
function withRecords<T extends Parts>(pipeline: T, change: Records): T {
  const own = <S extends { readonly environment?: NameRecord<string> }>(part: S): S =>
    part.environment === undefined ? part : { ...part, environment: change(part.environment) };
  const stage = (each: StageDocument): StageDocument => ({
    ...own(each),
    steps: each.steps.map(own),
  });
  return { ...own(pipeline), stages: pipeline.stages.map(stage) };
}
