import { Schema } from 'mongoose';

export const IDEMPOTENCY_KEY_MODEL = 'IdempotencyKey';

/** An answer, as it is given again. */
export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string;
}

/** What is known of one `Idempotency-Key`. */
export interface IdempotencyKeyDocument {
  /** SHA-256 of who sent it, the route and the key. */
  readonly _id: string;
  /** SHA-256 of the body. */
  readonly body_digest: string;
  /**
   * The id that whatever is created under this key has: it never changes while the document lives.
   */
  readonly resource_id: string;
  /** The request that holds the key. */
  readonly holder: string;
  /** A holder that has not answered by then is taken for dead. */
  readonly held_until: Date;
  /** True once a request before the holder held it and nobody knows what that one did. */
  readonly repeated: boolean;
  readonly answer: StoredAnswer | null;
  readonly created_at: Date;
}

export const idempotencyKeySchema = new Schema(
  {
    _id: { type: String, required: true },
    body_digest: { type: String, required: true },
    resource_id: { type: String, required: true },
    holder: { type: String, required: true },
    held_until: { type: Date, required: true },
    repeated: { type: Boolean, required: true },
    answer: { type: Schema.Types.Mixed, default: null },
    created_at: { type: Date, required: true },
  },
  {
    collection: 'idempotency_keys',
    versionKey: false,
    id: false,
    strictQuery: 'throw',
    minimize: false,
  },
  // No index with an expiry: FerretDB keeps none. See IdempotencySweeper.
).index({ created_at: 1 });
