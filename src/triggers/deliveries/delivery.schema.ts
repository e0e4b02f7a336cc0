import { Schema } from 'mongoose';
import { plainDocuments } from '../../common/schema-parts.js';
import type { DecisionPart } from '../../engine/triggers/decision-part.js';
import type { RuleDecision } from '../../engine/triggers/trigger-decision.js';
import type { ForgeKind } from '../../integrations/forge/forge-event.js';
import type { DeliveryStatus } from './delivery-status.js';

export const DELIVERY_MODEL = 'Delivery';
export const DELIVERY_BODY_MODEL = 'DeliveryBody';
export const DELIVERY_KEY_MODEL = 'DeliveryKey';

/**
 * Who tells of it: a webhook of the forge, a comparison of the heads there with those that were
 * seen last, or whoever called the webhook of one pipeline.
 */
export const DELIVERY_KINDS = ['forge', 'missed_push', 'pipeline'] as const;
export type DeliveryKind = (typeof DELIVERY_KINDS)[number];

export interface StoredDecisionReason {
  readonly code: string;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What was decided for one pipeline. */
export interface StoredDecision {
  /** Null: a file of the repository that cannot be read. */
  readonly pipeline_id: string | null;
  readonly pipeline_name: string;
  /** Path of the file in the repository; null = the pipeline was stored by the API. */
  readonly path: string | null;
  readonly version: number | null;
  readonly starts: boolean;
  readonly reason: StoredDecisionReason;
  readonly parts: readonly DecisionPart[];
  readonly rules: readonly RuleDecision[];
  /**
   * Chosen before it is started, so that it is started once. Without `starts` the definition does
   * not compile: the execution says so, and nothing runs. Null: there is none.
   */
  readonly execution_id: string | null;
}

/** Of which commit a delivery is, and by what it is known at the forge. */
export interface DeliverySubject {
  readonly branch: string | null;
  readonly tag: string | null;
  /** Of a pull request. */
  readonly number: number | null;
  readonly commit: string | null;
}

/** One webhook request with a good signature, or what we have found out without one. */
export interface DeliveryDocument {
  /** UUIDv7. */
  readonly _id: string;
  /** Null: it is of one pipeline. */
  readonly repository_id: string | null;
  /** `owner/name` when it came. Absent: of an older release, or of one pipeline. */
  readonly repository_name?: string;
  /** Absent: it is of a repository. */
  readonly pipeline_id?: string;
  /** Absent: `forge`. */
  readonly kind?: DeliveryKind;
  readonly forge: ForgeKind | null;
  /** The forge's own id of it; null = it gave none. */
  readonly forge_delivery_id: string | null;
  /** `push`, as the forge calls it. */
  readonly event: string;
  /** Those that are kept, as JSON text: names of headers are no keys of the database. */
  readonly headers: string;
  /** Bytes of the body. */
  readonly size: number;
  /** Bytes of it as they are kept; 0 = it is not kept any more. */
  readonly kept_size?: number;
  readonly received_at: Date;
  readonly status: DeliveryStatus;
  readonly reason: StoredDecisionReason | null;
  /** Of a `duplicate`: the delivery with the same content, or which has decided the same push. */
  readonly duplicate_of: string | null;
  /** Of a replay: the delivery whose body it has. */
  readonly replay_of?: string;
  /** It is only shown what it would start. */
  readonly dry_run?: boolean;
  /** As JSON text: what of the event the repository told and the body did not. */
  readonly facts?: string;
  /** Absent: not decided, of no commit, or decided by an older version. */
  readonly subject?: DeliverySubject;
  /** The decisions as JSON text; null = not decided. */
  readonly decisions: string | null;
  readonly decided_at: Date | null;
  /** Why it could not be decided yet. */
  readonly problem: string | null;
}

/** A part of a body, compressed: one document of the database has at most 16 MB. */
export interface DeliveryBodyDocument {
  /** `<delivery>:<number>`, from 0. */
  readonly _id: string;
  readonly delivery_id: string;
  readonly bytes: Buffer;
  readonly received_at: Date;
}

/** By which a delivery that comes again is known: its id or its content. */
export interface DeliveryKeyDocument {
  readonly _id: string;
  readonly delivery_id: string;
  readonly at: Date;
}

export const deliverySchema = new Schema(
  {
    _id: { type: String, required: true },
    repository_id: { type: String },
    repository_name: { type: String },
    pipeline_id: { type: String },
    kind: { type: String },
    forge: { type: String },
    forge_delivery_id: { type: String },
    event: { type: String, required: true },
    headers: { type: String, required: true },
    size: { type: Number, required: true },
    kept_size: { type: Number },
    received_at: { type: Date, required: true },
    status: { type: String, required: true },
    reason: { type: Schema.Types.Mixed },
    duplicate_of: { type: String },
    replay_of: { type: String },
    dry_run: { type: Boolean },
    facts: { type: String },
    subject: { type: Schema.Types.Mixed },
    decisions: { type: String },
    decided_at: { type: Date },
    problem: { type: String },
  },
  { ...plainDocuments, collection: 'deliveries' },
)
  .index({ status: 1, _id: 1 })
  .index({ repository_id: 1, _id: -1 });

export const deliveryBodySchema = new Schema(
  {
    _id: { type: String, required: true },
    delivery_id: { type: String, required: true },
    bytes: { type: Buffer, required: true },
    received_at: { type: Date, required: true },
  },
  { ...plainDocuments, collection: 'delivery_bodies' },
);

export const deliveryKeySchema = new Schema(
  {
    _id: { type: String, required: true },
    delivery_id: { type: String, required: true },
    at: { type: Date, required: true },
  },
  { ...plainDocuments, collection: 'delivery_keys' },
);
