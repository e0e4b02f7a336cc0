import { Schema } from 'mongoose';
import type { SecretScope } from './secret-owner.js';
import type { SecretRules } from './secret-rules.js';

export const SECRET_MODEL = 'Secret';

/**
 * A secret; its value leaves the database sealed, and Millrace only in the variables of steps. Its
 * rules are absent where nobody has named any.
 */
export interface SecretDocument extends Partial<SecretRules> {
  /** Owner and name: see `secretId`. */
  readonly _id: string;
  readonly scope: SecretScope;
  /** Id of the pipeline or repository; null = global. */
  readonly owner_id: string | null;
  readonly name: string;
  /** Sealed for `secretContext(_id)`. */
  readonly value: string;
  readonly created_by: string;
  readonly created_at: Date;
  /** Who gave the value that is stored now, and when. */
  readonly updated_by: string;
  readonly updated_at: Date;
}

export const secretSchema = new Schema(
  {
    _id: { type: String, required: true },
    scope: { type: String, required: true },
    owner_id: { type: String, default: null },
    name: { type: String, required: true },
    value: { type: String, required: true },
    // Without its own default a list is empty, which is a secret for no event.
    events: { type: [String], default: undefined },
    protected: { type: Boolean },
    created_by: { type: String, required: true },
    created_at: { type: Date, required: true },
    updated_by: { type: String, required: true },
    updated_at: { type: Date, required: true },
  },
  { collection: 'secrets', versionKey: false, id: false, strictQuery: 'throw', minimize: false },
).index({ scope: 1, owner_id: 1, _id: 1 });
