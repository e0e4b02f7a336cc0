import { Schema } from 'mongoose';

export const ENCRYPTION_STATE_MODEL = 'EncryptionState';

/** The one document that says how far the database is with its encryption. */
export interface EncryptionStateDocument {
  readonly _id: 'state';
  /** By this key everything was sealed, at one moment at least; absent: by none yet. */
  readonly sealed_by?: string;
  /** Until then somebody may be changing the list of keys. */
  readonly changing_until?: Date;
}

export const encryptionStateSchema = new Schema(
  {
    _id: { type: String, required: true },
    sealed_by: { type: String },
    changing_until: { type: Date },
  },
  { collection: 'encryption', versionKey: false, id: false, strictQuery: 'throw', minimize: false },
);
