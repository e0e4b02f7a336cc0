import { Schema } from 'mongoose';
import { plainDocuments } from '../../common/schema-parts.js';

export const HEAD_MODEL = 'BranchHead';
export const PUSH_MODEL = 'SeenPush';
export const HEAD_CHECK_MODEL = 'HeadCheck';

/** The last commit of a branch of a connected repository. */
export interface HeadDocument {
  /** `<repository>:<hash of the branch>` */
  readonly _id: string;
  readonly repository_id: string;
  readonly branch: string;
  readonly commit: string;
  readonly delivery_id: string | null;
}

/** A commit that came to a branch, and whose delivery decides about it. */
export interface PushDocument {
  /** `<repository>:<hash of branch and commit>` */
  readonly _id: string;
  readonly repository_id: string;
  readonly branch: string;
  readonly commit: string;
  readonly before: string | null;
  readonly delivery_id: string;
  readonly missed: boolean;
  readonly at: Date;
}

/** When the heads of a repository are compared with those at its forge. */
export interface HeadCheckDocument {
  /** Of the repository. */
  readonly _id: string;
  readonly begun_at: Date | null;
  readonly asked_at: Date;
  readonly next_at: Date;
  /** Pairs of branch and commit as JSON text: names of branches are no keys of the database. */
  readonly differing: string;
}

export const headSchema = new Schema(
  {
    _id: { type: String, required: true },
    repository_id: { type: String, required: true },
    branch: { type: String, required: true },
    commit: { type: String, required: true },
    delivery_id: { type: String },
  },
  { ...plainDocuments, collection: 'branch_heads' },
).index({ repository_id: 1 });

export const pushSchema = new Schema(
  {
    _id: { type: String, required: true },
    repository_id: { type: String, required: true },
    branch: { type: String, required: true },
    commit: { type: String, required: true },
    before: { type: String },
    delivery_id: { type: String, required: true },
    missed: { type: Boolean, required: true },
    at: { type: Date, required: true },
  },
  { ...plainDocuments, collection: 'seen_pushes' },
)
  .index({ repository_id: 1 })
  .index({ at: 1 });

export const headCheckSchema = new Schema(
  {
    _id: { type: String, required: true },
    begun_at: { type: Date },
    asked_at: { type: Date, required: true },
    next_at: { type: Date, required: true },
    differing: { type: String, required: true },
  },
  { ...plainDocuments, collection: 'head_checks' },
);
