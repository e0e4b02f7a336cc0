import { Schema } from 'mongoose';
import { plainDocuments } from '../common/schema-parts.js';

export const AUDIT_RECORD_MODEL = 'AuditRecord';
export const AUDIT_ANCHOR_MODEL = 'AuditAnchor';

/** A record as it is stored. */
export interface AuditRecordDocument {
  /** Its number: the unique key by which several processes make one chain. */
  readonly _id: number;
  readonly form: number;
  readonly record_id: string;
  readonly at: Date;
  readonly actor_kind: string;
  readonly actor_id: string;
  readonly actor_name: string;
  readonly actor_credential: string;
  readonly client: string;
  readonly request_id: string;
  readonly action: string;
  /** Null: there is none; so are the next two then. */
  readonly target_kind: string | null;
  readonly target_id: string | null;
  readonly target_name: string | null;
  readonly outcome: string;
  readonly reason: string;
  /** JSON text: nothing in it is touched by the database. */
  readonly details: string;
  readonly prev: string;
  readonly hash: string;
}

/** Where the removed records ended; one document. */
export interface AuditAnchorDocument {
  readonly _id: string;
  readonly seq: number;
  readonly hash: string;
  readonly at: Date;
}

export const auditRecordSchema = new Schema(
  {
    _id: { type: Number, required: true },
    form: { type: Number, required: true },
    record_id: { type: String, required: true },
    at: { type: Date, required: true },
    actor_kind: { type: String },
    actor_id: { type: String },
    actor_name: { type: String },
    actor_credential: { type: String },
    client: { type: String },
    request_id: { type: String },
    action: { type: String, required: true },
    target_kind: { type: String },
    target_id: { type: String },
    target_name: { type: String },
    outcome: { type: String, required: true },
    reason: { type: String },
    details: { type: String },
    prev: { type: String, required: true },
    hash: { type: String, required: true },
  },
  { ...plainDocuments, collection: 'audit_records' },
)
  .index({ at: 1 })
  .index({ action: 1, _id: -1 })
  .index({ actor_id: 1, _id: -1 })
  .index({ actor_name: 1, _id: -1 })
  .index({ target_id: 1, _id: -1 })
  .index({ target_name: 1, _id: -1 })
  .index({ outcome: 1, _id: -1 });

export const auditAnchorSchema = new Schema(
  {
    _id: { type: String, required: true },
    seq: { type: Number, required: true },
    hash: { type: String, required: true },
    at: { type: Date, required: true },
  },
  { ...plainDocuments, collection: 'audit_anchors' },
);
