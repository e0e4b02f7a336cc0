import { Schema } from 'mongoose';
import type { Problem } from '../../engine/yaml/problem.js';

export const PIPELINE_VERSION_MODEL = 'PipelineVersion';

/** One version of a pipeline; it never changes. Its texts are stored sealed: `sealedVersion`. */
export interface PipelineVersionDocument {
  /**
   * `<pipeline>:<number>`: two writers cannot both make the same version, and inserting twice is
   * inserting once.
   */
  readonly _id: string;
  readonly pipeline_id: string;
  /** From 1. */
  readonly number: number;
  readonly name: string;
  /** The very text that was sent. */
  readonly yaml_content: string;
  readonly plan_hash: string;
  /**
   * The definition as JSON text: keys of users (`environment`, `x-…`) are no keys of the database.
   */
  readonly definition: string;
  /** The inputs of its manual trigger, as JSON text. */
  readonly inputs: string;
  readonly warnings: readonly Problem[];
  /** Of the text; of a version that lives in a repository. */
  readonly text_hash?: string;
  /** The commit in which its text was seen first; of a version that lives in a repository. */
  readonly commit?: string;
  /** Id of who made it. */
  readonly created_by: string;
  readonly created_at: Date;
}

export const pipelineVersionSchema = new Schema(
  {
    _id: { type: String, required: true },
    pipeline_id: { type: String, required: true },
    number: { type: Number, required: true },
    name: { type: String, required: true },
    plan_hash: { type: String, required: true },
    sealed: { type: String },
    // Of older versions of Millrace, in clear.
    yaml_content: { type: String },
    definition: { type: String },
    inputs: { type: String },
    warnings: { type: [Schema.Types.Mixed], required: true },
    text_hash: { type: String },
    commit: { type: String },
    created_by: { type: String, required: true },
    created_at: { type: Date, required: true },
  },
  {
    collection: 'pipeline_versions',
    versionKey: false,
    id: false,
    strictQuery: 'throw',
    minimize: false,
  },
)
  .index({ pipeline_id: 1, number: 1 })
  .index({ pipeline_id: 1, text_hash: 1 });
