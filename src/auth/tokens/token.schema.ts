import { Schema } from 'mongoose';
import type { Scope } from '../policy/policy.js';

export const TOKEN_MODEL = 'Token';

export type TokenOwnerKind = 'user' | 'service_account';

/** A personal token, or one of a service account. */
export interface TokenDocument {
  readonly _id: string;
  readonly owner_kind: TokenOwnerKind;
  readonly owner_id: string;
  /** `generation` of the user in which it was made; 0 of a service account. */
  readonly owner_generation: number;
  /** For its owner to tell it from others. */
  readonly name: string;
  /** SHA-256 of the token. */
  readonly secret_hash: string;
  readonly scopes: readonly Scope[];
  readonly created_at: Date;
  readonly created_by: string;
  readonly expires_at: Date;
  /** To within a few minutes; null: never. */
  readonly used_at: Date | null;
  readonly revoked_at: Date | null;
}

export const tokenSchema = new Schema(
  {
    _id: { type: String, required: true },
    owner_kind: { type: String, required: true },
    owner_id: { type: String, required: true },
    owner_generation: { type: Number, required: true },
    name: { type: String, required: true },
    secret_hash: { type: String, required: true },
    scopes: { type: [String], required: true },
    created_at: { type: Date, required: true },
    created_by: { type: String, required: true },
    expires_at: { type: Date, required: true },
    used_at: { type: Date },
    revoked_at: { type: Date },
  },
  { collection: 'tokens', versionKey: false, id: false, strictQuery: 'throw' },
)
  .index({ owner_id: 1, _id: 1 })
  // No index with an expiry: FerretDB keeps none. See AuthSweeper.
  .index({ expires_at: 1 });
