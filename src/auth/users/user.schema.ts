import { Schema } from 'mongoose';
import type { LoginForge } from '../../config/login-values.js';
import type { Role } from '../policy/policy.js';

export const USER_MODEL = 'User';

/** Somebody who has logged in: an account of a forge, known by its host and its id there. */
export interface UserDocument {
  /** Made from forge, host and `remote_id`. Names link nothing: forges give them to others. */
  readonly _id: string;
  readonly forge: LoginForge;
  readonly host: string;
  readonly remote_id: string;
  /** As the forge said last; to be shown. */
  readonly login: string;
  readonly name: string | null;
  /** Given by an administrator; null: that of the configuration. */
  readonly role: Role | null;
  /** Whether ADMIN_LOGINS names the account. */
  readonly is_admin: boolean;
  /**
   * Sessions and personal tokens hold the generation that they were made in, and are good in that
   * one alone: by one write all of them are at their end.
   */
  readonly generation: number;
  /** Tokens of the forge, sealed; null: nothing is asked with them. */
  readonly forge_tokens: string | null;
  /** When it was last known that the account may log in. */
  readonly checked_at: Date;
  readonly blocked_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const userSchema = new Schema(
  {
    _id: { type: String, required: true },
    forge: { type: String, required: true },
    host: { type: String, required: true },
    remote_id: { type: String, required: true },
    login: { type: String, required: true },
    name: { type: String },
    role: { type: String },
    is_admin: { type: Boolean, required: true },
    generation: { type: Number, required: true },
    forge_tokens: { type: String },
    checked_at: { type: Date, required: true },
    blocked_at: { type: Date },
    created_at: { type: Date, required: true },
    updated_at: { type: Date, required: true },
  },
  { collection: 'users', versionKey: false, id: false, strictQuery: 'throw', minimize: false },
);
