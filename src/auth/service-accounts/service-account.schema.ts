import { Schema } from 'mongoose';

export const SERVICE_ACCOUNT_MODEL = 'ServiceAccount';

/** A program that uses this server on nobody's behalf. */
export interface ServiceAccountDocument {
  /** Never given again: what is stored of a removed account stays its own. */
  readonly _id: string;
  readonly name: string;
  readonly description: string;
  readonly created_at: Date;
  /** Id of the administrator. */
  readonly created_by: string;
}

export const serviceAccountSchema = new Schema(
  {
    _id: { type: String, required: true },
    name: { type: String, required: true },
    description: { type: String },
    created_at: { type: Date, required: true },
    created_by: { type: String, required: true },
  },
  { collection: 'service_accounts', versionKey: false, id: false, strictQuery: 'throw' },
).index({ name: 1 }, { unique: true });
