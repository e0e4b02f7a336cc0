import { Schema } from 'mongoose';

export const ARTIFACT_MODEL = 'Artifact';

/** One file that a step has left behind, as it is stored. */
export interface ArtifactDocument {
  /** Place in the list of its execution, and what makes it one: see `artifactId`. */
  readonly _id: string;
  readonly execution_id: string;
  readonly pipeline_id: string;
  readonly stage: string;
  readonly step: string;
  /** Of a matrix; null: the step has none. */
  readonly cell: string | null;
  /** Of the execution, from 1. */
  readonly execution_attempt: number;
  /** Of the step in it, from 1. */
  readonly attempt: number;
  /** Of the artifacts that it belongs to. */
  readonly name: string;
  /** In the workspace. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256, 64 hex digits. */
  readonly digest: string;
  /** Permission bits of the file. */
  readonly mode: number;
  /** The archive that holds the content, in the object store. */
  readonly object_key: string;
  /** Bytes of the archive before it. */
  readonly offset: number;
  readonly created_at: Date;
  /** Null: with its execution. */
  readonly expires_at: Date | null;
}

export const artifactSchema = new Schema(
  {
    _id: { type: String, required: true },
    execution_id: { type: String, required: true },
    pipeline_id: { type: String, required: true },
    stage: { type: String },
    step: { type: String },
    cell: { type: String },
    execution_attempt: { type: Number, required: true },
    attempt: { type: Number, required: true },
    name: { type: String },
    path: { type: String, required: true },
    size: { type: Number, required: true },
    digest: { type: String, required: true },
    mode: { type: Number, required: true },
    object_key: { type: String, required: true },
    offset: { type: Number, required: true },
    created_at: { type: Date, required: true },
    expires_at: { type: Date },
  },
  {
    collection: 'artifacts',
    versionKey: false,
    id: false,
    strictQuery: 'throw',
    minimize: false,
  },
).index({ expires_at: 1 });
