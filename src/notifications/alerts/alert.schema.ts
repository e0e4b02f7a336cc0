import { Schema } from 'mongoose';

export const ALERT_MODEL = 'ServiceAlert';
export const ALERT_STATE_MODEL = 'AlertState';

const options = {
  versionKey: false,
  id: false,
  strictQuery: 'throw',
  minimize: false,
} as const;
const { Mixed } = Schema.Types;
const needed = { type: String, required: true } as const;
const date = { type: Date, required: true } as const;
const number = { type: Number, required: true } as const;

export const alertSchema = new Schema(
  {
    _id: needed,
    subject: needed,
    kind: needed,
    service: needed,
    from: { type: String },
    to: needed,
    at: date,
    reason: { type: Mixed, required: true },
    after_deployment: { type: Mixed },
    caused_by: { type: [String], required: true },
    followers: { type: Mixed, required: true },
    deliveries: { type: Mixed, required: true },
    due_at: { type: Date },
    created_at: date,
    version: number,
  },
  { collection: 'service_alerts', ...options },
)
  .index({ subject: 1, _id: -1 })
  .index({ due_at: 1 })
  .index({ created_at: 1 });

export const alertStateSchema = new Schema(
  {
    _id: needed,
    service: needed,
    seq: number,
    told: needed,
    alert: { type: String },
    held: { type: Number },
    version: number,
  },
  { collection: 'alert_states', ...options },
);
