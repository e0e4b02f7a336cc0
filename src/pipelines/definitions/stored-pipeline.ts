import { namedValues, recordOfNamed, type NameRecord } from '../../common/values/name-record.js';
import type { StageDocument } from '../../engine/definition/definition-document.js';
import type { Keyring } from '../../secrets/encryption/keyring.js';
import { fieldsOpened, fieldsSealed, type Sealed } from '../../secrets/encryption/sealed-fields.js';
import type { PipelineDocument } from './pipeline.schema.js';

/** What of a pipeline may hold passwords, as long as people write them into their YAML. */
export const PIPELINE_TEXTS = ['yaml_content', 'stages', 'environment'] as const;

type Texts = Pick<PipelineDocument, (typeof PIPELINE_TEXTS)[number]>;
type Records = (record: NameRecord<string>) => unknown;

/** A pipeline as it is stored; older versions of Millrace have stored it in clear. */
export type StoredPipeline = Sealed<PipelineDocument, keyof Texts>;

/**
 * Of a pipeline, or a change of one, what is stored. Names of variables are values there, in lists
 * of `{name, value}`: as keys of JSON `__proto__` would be lost.
 */
export function toStore<T extends Texts>(
  keyring: Keyring,
  id: string,
  pipeline: T,
): Sealed<T, keyof Texts> {
  const named = withRecords(pipeline, namedValues);
  return fieldsSealed(keyring, named, PIPELINE_TEXTS, pipelineContext(id));
}

/**
 * The pipeline of a stored document; one of an older release is taken as it is.
 * @throws MissingKeyError, BrokenSealError
 */
export function fromStore(keyring: Keyring, stored: StoredPipeline): PipelineDocument {
  const context = pipelineContext(stored._id);
  return withRecords(fieldsOpened<PipelineDocument>(keyring, stored, context), recordOfNamed);
}

/** What a stored pipeline of an older release, in clear, has in `sealed` now. */
export function sealedTexts(keyring: Keyring, clear: PipelineDocument): string {
  // Its names are in lists already, or were keys: `recordOfNamed` takes both.
  return fieldsSealed(keyring, clear, PIPELINE_TEXTS, pipelineContext(clear._id)).sealed;
}

export function pipelineContext(id: string): string {
  return `pipelines:${id}:sealed`;
}

/** The type stays, because only these two know that the stored form differs. */
function withRecords<T extends Texts>(pipeline: T, change: Records): T {
  const own = <S extends { readonly environment?: NameRecord<string> }>(part: S): S =>
    part.environment === undefined ? part : { ...part, environment: change(part.environment) };
  const stage = (each: StageDocument): StageDocument => ({
    ...own(each),
    steps: each.steps.map(own),
  });
  return { ...own(pipeline), stages: pipeline.stages.map(stage) };
}
