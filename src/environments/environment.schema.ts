import { Schema } from 'mongoose';

export const ENVIRONMENT_MODEL = 'Environment';

export const environmentSchema = new Schema(
  {
    _id: { type: String, required: true },
    deployers: { type: Schema.Types.Mixed },
    approvers: { type: Schema.Types.Mixed, required: true },
    required: { type: Number, required: true },
    wait: { type: Number, required: true },
    branches: { type: Schema.Types.Mixed },
    allow_self: { type: Boolean, required: true },
    created_at: { type: Date, required: true },
    updated_at: { type: Date, required: true },
    updated_by: { type: String, required: true },
  },
  {
    collection: 'environments',
    ...{ versionKey: false, id: false, strictQuery: 'throw', minimize: false },
  },
);
