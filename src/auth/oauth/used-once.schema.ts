import { Schema } from 'mongoose';

export const USED_ONCE_MODEL = 'UsedOnce';

/** Something that works once and was used. */
export interface UsedOnceDocument {
  /** SHA-256 of what it is. */
  readonly _id: string;
  /** Which call used it. */
  readonly by: string;
  /** When it would not be good any more in any case. */
  readonly expires_at: Date;
}

export const usedOnceSchema = new Schema(
  {
    _id: { type: String, required: true },
    by: { type: String, required: true },
    expires_at: { type: Date, required: true },
  },
  { collection: 'used_once', versionKey: false, id: false, strictQuery: 'throw' },
  // No index with an expiry: FerretDB keeps none. See AuthSweeper.
).index({ expires_at: 1 });
