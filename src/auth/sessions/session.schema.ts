import { Schema } from 'mongoose';

export const SESSION_MODEL = 'Session';

/** A refresh token that was used, and when: for a moment it may come again. */
export interface RotationRecord {
  readonly generation: number;
  readonly at: Date;
}

/** One log-in: of a browser (by cookie), or of a client (by access and refresh tokens). */
export interface SessionDocument {
  /** Also the family of its refresh tokens. */
  readonly _id: string;
  readonly user_id: string;
  /** `generation` of the user in which it was made. */
  readonly user_generation: number;
  readonly kind: 'browser' | 'client';
  /** SHA-256 of the cookie's secret, or of the refresh token that is good now. */
  readonly secret_hash: string;
  /** How often the refresh token was exchanged. */
  readonly generation: number;
  /** The exchanges of the last moments. */
  readonly rotations: readonly RotationRecord[];
  /** What the client says of itself; to be shown. */
  readonly user_agent: string;
  readonly address: string;
  readonly created_at: Date;
  readonly used_at: Date;
  readonly expires_at: Date;
  readonly ended_at: Date | null;
  /** `logged_out`, `ended`, `refresh_reused`. */
  readonly end_reason: string | null;
}

export const sessionSchema = new Schema(
  {
    _id: { type: String, required: true },
    user_id: { type: String, required: true },
    user_generation: { type: Number, required: true },
    kind: { type: String, required: true },
    secret_hash: { type: String, required: true },
    generation: { type: Number, required: true },
    rotations: { type: [Schema.Types.Mixed], required: true },
    user_agent: { type: String },
    address: { type: String },
    created_at: { type: Date, required: true },
    used_at: { type: Date, required: true },
    expires_at: { type: Date, required: true },
    ended_at: { type: Date },
    end_reason: { type: String },
  },
  { collection: 'sessions', versionKey: false, id: false, strictQuery: 'throw', minimize: false },
)
  .index({ user_id: 1, _id: 1 })
  // No index with an expiry: FerretDB keeps none. See AuthSweeper.
  .index({ expires_at: 1 });
