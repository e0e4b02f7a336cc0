import { Schema } from 'mongoose';

export const LOGIN_BINDING_MODEL = 'LoginBinding';

/** To which account, organization or team a name of a list belongs: the first that had it. */
export interface LoginBindingDocument {
  /** Forge, host, kind and name. */
  readonly _id: string;
  /** Numeric id at the forge. */
  readonly remote_id: string;
  readonly created_at: Date;
}

export const loginBindingSchema = new Schema(
  {
    _id: { type: String, required: true },
    remote_id: { type: String, required: true },
    created_at: { type: Date, required: true },
  },
  { collection: 'login_bindings', versionKey: false, id: false, strictQuery: 'throw' },
);
