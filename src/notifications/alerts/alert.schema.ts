import { Schema } from 'mongoose';
import { neededDate, neededText, plainDocuments } from '../../common/schema-parts.js';

export const ALERT_MODEL = 'ServiceAlert';
export const ALERT_STATE_MODEL = 'AlertState';

const { Mixed } = Schema.Types;
const number = { type: Number, required: true } as const;

export const alertSchema = new Schema(
  {
    _id: neededText,
    subject: neededText,
    kind: neededText,
    service: { type: String },
    from: { type: String },
    to: { type: String },
    at: neededDate,
    reason: { type: Mixed },
    after_deployment: { type: Mixed },
    caused_by: { type: [String], default: undefined },
    followers: { type: Mixed },
    execution: { type: Mixed },
    deliveries: { type: Mixed, required: true },
    due_at: { type: Date },
    created_at: neededDate,
    version: number,
  },
  { collection: 'service_alerts', ...plainDocuments },
)
  .index({ subject: 1, _id: -1 })
  .index({ due_at: 1 })
  .index({ created_at: 1 });

export const alertStateSchema = new Schema(
  {
    _id: neededText,
    service: neededText,
    seq: number,
    told: neededText,
    alert: { type: String },
    held: { type: Number },
    version: number,
  },
  { collection: 'alert_states', ...plainDocuments },
);
