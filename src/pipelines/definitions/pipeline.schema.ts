import { Schema } from 'mongoose';
import type { DefinitionDocument } from '../../engine/definition/definition-document.js';

export const PIPELINE_MODEL = 'Pipeline';

/**
 * A pipeline: its identity, and a copy of what its current version says. In the database a part of
 * it is sealed: `stored-pipeline.ts`.
 */
export interface PipelineDocument extends DefinitionDocument {
  /** UUIDv7, shown as `id`. */
  readonly _id: string;
  readonly yaml_content: string;
  /** Number of the current version, from 1. */
  readonly version: number;
  readonly plan_hash: string;
  /** False: nothing starts. Absent = true. */
  readonly enabled?: boolean;
  /** Stands in place of the description of the YAML, whichever version is current. */
  readonly description_override?: string;
  /**
   * How often it was changed apart from its YAML; absent = 0. With `version` it tells two states
   * apart.
   */
  readonly changes?: number;
  /** By which a writer whose answer was lost sees that the last change is its own. */
  readonly last_change?: string;
  /** Where it lives; absent: it was stored by the API. */
  readonly source?: PipelineSource;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** A file of a connected repository that is a pipeline. */
export interface PipelineSource {
  readonly repository_id: string;
  /** From the top of the tree, with `/`. */
  readonly path: string;
  /**
   * The default branch whose text its current version is; absent: it has not been seen there, or is
   * gone from there. Such a pipeline has no schedule.
   */
  readonly branch?: string;
}

/** What of a pipeline its YAML does not say; no version touches it. */
export type PipelineSettings = Pick<
  PipelineDocument,
  'enabled' | 'description_override' | 'changes' | 'last_change' | 'source'
>;

/** The description that is shown. */
export function descriptionOf(
  pipeline: Pick<PipelineDocument, 'description' | 'description_override'>,
): string | null {
  return pipeline.description_override ?? pipeline.description ?? null;
}

export function isEnabled({ enabled }: Pick<PipelineDocument, 'enabled'>): boolean {
  return enabled ?? true;
}

export const pipelineSchema = new Schema(
  {
    _id: { type: String, required: true },
    name: { type: String, required: true },
    description: { type: String },
    triggers: { type: [Schema.Types.Mixed], required: true },
    timeout: { type: Number, required: true },
    retry_count: { type: Number, required: true },
    sealed: { type: String },
    // Of older versions of Millrace, in clear.
    stages: { type: Schema.Types.Mixed },
    environment: { type: Schema.Types.Mixed },
    yaml_content: { type: String },
    version: { type: Number, required: true },
    plan_hash: { type: String, required: true },
    enabled: { type: Boolean },
    description_override: { type: String },
    changes: { type: Number },
    last_change: { type: String },
    source: { type: Schema.Types.Mixed },
    created_at: { type: Date, required: true },
    updated_at: { type: Date, required: true },
  },
  { collection: 'pipelines', versionKey: false, id: false, strictQuery: 'throw', minimize: false },
)
  .index({ 'triggers.trigger_type': 1 })
  .index({ 'source.repository_id': 1, _id: -1 });
