import { Schema } from 'mongoose';
import type { DefinitionDocument } from '../engine/definition/definition-document.js';

export const pipelineModel = 'Pipeline';

/** A pipeline: its identity, and a copy of what its current version says. */
export interface PipelineDocument extends DefinitionDocument {
  /** UUIDv7, shown as `id`. */
  readonly _id: string;
  readonly yaml_content: string;
  /** Number of the current version, from 1. */
  readonly version: number;
  readonly plan_hash: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const pipelineSchema = new Schema(
  {
    _id: { type: String, required: true },
    name: { type: String, required: true },
    description: { type: String },
    triggers: { type: [Schema.Types.Mixed], required: true },
    stages: { type: [Schema.Types.Mixed], required: true },
    environment: { type: Schema.Types.Mixed, required: true },
    timeout: { type: Number, required: true },
    retry_count: { type: Number, required: true },
    yaml_content: { type: String, required: true },
    version: { type: Number, required: true },
    plan_hash: { type: String, required: true },
    created_at: { type: Date, required: true },
    updated_at: { type: Date, required: true },
  },
  { collection: 'pipelines', versionKey: false, id: false, strictQuery: 'throw', minimize: false },
);
